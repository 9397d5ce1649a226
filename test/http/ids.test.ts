// Ids over HTTP: what is refused or cancelled leaves nothing behind that a later request runs into.
import { describe, expect, it } from "vitest";
import { utf8Text } from "../../src/bytes.ts";
import { answerOf, call, HttpRig, modernHeaders, modernRequest, reasonOf, TOKEN } from "./rig.ts";

const TOOL = "read_text_file";
const ARGUMENTS = { path: "/workspace/a.txt" };
const HALF_HOUR_MS = 1_800_000;

describe("D6 an id that is no integer", () => {
  it("is refused, recorded, and keeps no connection from ending", async () => {
    let nowMs = 0;
    const rig = await HttpRig.start({}, { monotonic: () => nowMs });
    for (const id of ["1.0", "1e0", "-1.50"]) {
      const request = modernRequest("tools/call", { name: TOOL, arguments: ARGUMENTS });
      const text = JSON.stringify(request).replace('"id":1', `"id":${id}`);
      const response = await rig.post(text, { headers: modernHeaders(request) });
      expect((await answerOf(response)).error?.code).toBe(-32700);
    }
    expect(rig.reasons()).toEqual(["malformed_message", "malformed_message", "malformed_message"]);
    expect(rig.callsReceived).toBe(0);
    nowMs += HALF_HOUR_MS;
    rig.guard.dropIdle();
    const authorization = `Bearer ${TOKEN}`;
    const metrics = new Request("http://localhost:8787/metrics", { headers: { authorization } });
    expect(await (await rig.guard(metrics)).text()).toContain("portcullis_lanes 0\n");
  });

  it("does not take the id from a call that has it", async () => {
    const rig = await HttpRig.start();
    const session = await rig.open();
    const text = JSON.stringify(call(5, TOOL, ARGUMENTS));
    await rig.post(text.replace('"id":5', '"id":5.0'), { session });
    expect(await reasonOf(await rig.post(text, { session }))).toBe("allowed");
    expect(rig.callsReceived).toBe(1);
  });
});

describe("a request that was cancelled", () => {
  it("before it was sent on: its response ends, and its id is free", async () => {
    const rig = await HttpRig.start();
    const session = await rig.open();
    const release = holdBack(rig);
    const waiting = rig.post(call(5, TOOL, ARGUMENTS), { session });
    await cancel(rig, session);
    expect(await (await waiting).text()).toBe("");
    release();
    expect(await reasonOf(await rig.post(call(5, TOOL, ARGUMENTS), { session }))).toBe("allowed");
    expect(rig.callsReceived).toBe(1);
  });

  it("after it was sent on: a late answer goes nowhere, and its id is free behind it", async () => {
    const rig = await HttpRig.start();
    const session = await rig.open();
    await rig.post(call(4, TOOL, ARGUMENTS), { session });
    const release = holdBack(rig);
    const waiting = rig.post(call(5, TOOL, ARGUMENTS), { session });
    await expect.poll(() => rig.upstream.bodies("tools/call").length).toBe(2);
    await cancel(rig, session);
    const again = await rig.post(call(5, TOOL, ARGUMENTS), { session });
    expect(await reasonOf(again)).toBe("malformed_message");
    release();
    expect(await (await waiting).text()).toBe("");
    expect(await reasonOf(await rig.post(call(5, TOOL, ARGUMENTS), { session }))).toBe("allowed");
    expect(rig.callsReceived).toBe(3);
  });
});

/** The server answers no request until the function that this gives is called. */
function holdBack(rig: HttpRig): () => void {
  let release: () => void = () => undefined;
  const held = new Promise<undefined>((resolve) => {
    release = () => resolve(undefined);
  });
  rig.upstream.override = ({ body }) => (utf8Text(body)?.includes('"id"') ? held : undefined);
  return release;
}

async function cancel(rig: HttpRig, session: string): Promise<void> {
  const params = { requestId: 5 };
  const notification = { jsonrpc: "2.0", method: "notifications/cancelled", params };
  expect((await rig.post(notification, { session })).status).toBe(202);
}
