// Room for sessions and lanes: how much there is, who may have it, and when it is given back.
import { describe, expect, it } from "vitest";
import {
  LIMIT_HTTP_SESSIONS,
  LIMIT_IDLE_LANES,
  LIMIT_LANES,
  LIMIT_SESSION_IDLE_MS,
} from "../../src/http/limits.ts";
import { FIXTURE_ARGUMENTS } from "../fixtures/calls.ts";
import { eventStream } from "./mock-upstream.ts";
import {
  answerOf,
  call,
  digestOf,
  HttpRig,
  initialize,
  OTHER_TOKEN,
  reasonOf,
  TOKEN,
} from "./rig.ts";

const READ = "read_text_file";
const ARGS = FIXTURE_ARGUMENTS.get(READ) ?? {};
const PARAMS = { name: READ, arguments: ARGS };
const OTHER = { token: OTHER_TOKEN };
const CALLERS = [TOKEN, OTHER_TOKEN, "c".repeat(32), "d".repeat(32), "e".repeat(32)].map(
  (token, at) => ({ token, sha256: digestOf(token), principal: `agent:${at}` }),
);

async function laneCount(rig: HttpRig): Promise<number> {
  const headers = { authorization: `Bearer ${TOKEN}` };
  const response = await rig.guard(new Request("http://localhost:8787/metrics", { headers }));
  return Number(/^portcullis_lanes (\d+)$/m.exec(await response.text())?.[1]);
}

interface Gate {
  readonly heldCount: number;
  readonly release: () => void;
}

/** Lets the server answer no call until the gate is opened. */
function holdCalls(rig: HttpRig): Gate {
  let heldCount = 0;
  let release = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    release = resolve;
  });
  rig.upstream.override = async ({ body }) => {
    if (!new TextDecoder().decode(body).includes('"tools/call"')) return undefined;
    heldCount += 1;
    await opened;
    return undefined;
  };
  return {
    get heldCount() {
      return heldCount;
    },
    release,
  };
}

/** The records of what found no room. */
function refusedForRoom(rig: HttpRig): readonly object[] {
  return rig.records.filter(({ detail }) => detail === "too many connections");
}

describe("room", () => {
  it("sessions end when nobody has used them for half an hour, and not before", async () => {
    let nowMs = 0;
    const rig = await HttpRig.start({}, { monotonic: () => nowMs });
    const session = await rig.open();
    nowMs += LIMIT_SESSION_IDLE_MS - 1;
    rig.guard.dropIdle();
    expect(await reasonOf(await rig.post(call(1, READ, ARGS), { session }))).toBe("allowed");
    nowMs += LIMIT_SESSION_IDLE_MS;
    rig.guard.dropIdle();
    expect((await rig.post(call(2, READ, ARGS), { session })).status).toBe(404);
  });

  it("a lane more than the limit takes the place of the one unused for longest", async () => {
    const rig = await HttpRig.start();
    for (let n = 0; n <= LIMIT_IDLE_LANES; n++) {
      const capabilities = { experimental: { [`x${n}`]: {} } };
      const response = await rig.modern(
        "tools/call",
        { name: "none", arguments: {} },
        { id: n, capabilities },
      );
      expect(await reasonOf(response)).toBe("tool_smuggle");
    }
    expect(await laneCount(rig)).toBe(LIMIT_IDLE_LANES);
  });

  it("a session more than the limit is refused, until one has ended", async () => {
    const rig = await HttpRig.start({}, { sessionsMax: 2 });
    const one = await rig.open();
    await rig.open({ token: OTHER_TOKEN });
    expect((await rig.post(initialize())).status).toBe(503);
    const headers = { authorization: `Bearer ${TOKEN}`, "mcp-session-id": one };
    const end = new Request("http://localhost:8787/mcp/filesystem", { method: "DELETE", headers });
    expect((await rig.guard(end)).status).toBe(204);
    expect((await rig.post(initialize())).status).toBe(200);
  });

  it("one caller has a quarter of the room, and leaves the rest to others", async () => {
    const rig = await HttpRig.start({}, { sessionsMax: 8 });
    for (let n = 0; n < 2; n++) await rig.open();
    expect((await rig.post(initialize())).status).toBe(503);
    expect((await rig.post(initialize(), { token: OTHER_TOKEN })).status).toBe(200);
    expect(refusedForRoom(rig)).toMatchObject([{ kind: "drop", principal: "agent:a" }]);
  });

  it("a session whose opening has failed takes no room", async () => {
    const rig = await HttpRig.start({}, { sessionsMax: 4 });
    const error = '{"jsonrpc":"2.0","id":"init","error":{"code":-32603,"message":"not now"}}';
    const answers = [
      () => new Response(null, { status: 503 }),
      () => new Response(error, { headers: { "content-type": "application/json" } }),
      () => eventStream(`data: ${error}\n\n`),
    ];
    for (const answer of answers) {
      rig.upstream.override = answer;
      const response = await rig.post(initialize());
      expect((await answerOf(response)).error?.code).toBe(-32603);
      const session = response.headers.get("mcp-session-id") ?? "";
      expect((await rig.post(call(1, READ, ARGS), { session })).status).toBe(404);
    }
    rig.upstream.override = () => undefined;
    const session = await rig.open();
    expect((await rig.post(initialize(), { session })).status).toBe(200);
    expect(await reasonOf(await rig.post(call(1, READ, ARGS), { session }))).toBe("allowed");
  });

  it("calls with one id have a lane each; a caller has a quarter of the room, and nobody more than all", async () => {
    const rig = await HttpRig.start({}, { lanesMax: 8, auth: { tokens: CALLERS } });
    const gate = holdCalls(rig);
    const open = CALLERS.slice(0, 4).flatMap(({ token }) => [
      rig.modern("tools/call", PARAMS, { token }),
      rig.modern("tools/call", PARAMS, { token }),
    ]);
    await expect.poll(() => gate.heldCount).toBe(8);
    const [first, , , , last] = CALLERS;
    for (const caller of [first, last]) {
      const response = await rig.modern("tools/call", PARAMS, { token: caller?.token ?? "" });
      expect([response.status, await response.text()]).toEqual([503, "too many connections\n"]);
    }
    expect(gate.heldCount).toBe(8);
    expect(refusedForRoom(rig)).toMatchObject([
      { kind: "drop", principal: first?.principal },
      { kind: "drop", principal: last?.principal },
    ]);
    gate.release();
    for (const response of open) expect(await reasonOf(await response)).toBe("allowed");
    const later = await rig.modern("tools/call", PARAMS, { token: last?.token ?? "" });
    expect(await reasonOf(later)).toBe("allowed");
    expect(rig.callsReceived).toBe(9);
    expect(await laneCount(rig)).toBe(8);
  });

  it("a caller with its share does not take what others have kept", async () => {
    const rig = await HttpRig.start({}, { lanesMax: 8 });
    expect(await reasonOf(await rig.modern("tools/call", PARAMS, OTHER))).toBe("allowed");
    const gate = holdCalls(rig);
    const open = [rig.modern("tools/call", PARAMS), rig.modern("tools/call", PARAMS)];
    await expect.poll(() => gate.heldCount).toBe(2);
    expect((await rig.modern("tools/call", PARAMS)).status).toBe(503);
    expect(await laneCount(rig)).toBe(3);
    gate.release();
    for (const response of open) expect(await reasonOf(await response)).toBe("allowed");
  });

  it("lanes that were needed for a moment are not kept", { timeout: 120_000 }, async () => {
    const rig = await HttpRig.start();
    const gate = holdCalls(rig);
    const count = LIMIT_IDLE_LANES + 20;
    const open = Array.from({ length: count }, () => rig.modern("tools/call", PARAMS));
    await expect.poll(() => gate.heldCount, { timeout: 60_000 }).toBe(count);
    rig.guard.dropIdle();
    expect(await laneCount(rig)).toBe(count);
    gate.release();
    for (const response of open) expect(await reasonOf(await response)).toBe("allowed");
    rig.guard.dropIdle();
    expect(await laneCount(rig)).toBe(LIMIT_IDLE_LANES);
  });

  it.each([
    ["sessionsMax", LIMIT_HTTP_SESSIONS],
    ["lanesMax", LIMIT_LANES],
  ])("%s is a number from 1 to its limit", async (name, limit) => {
    for (const value of [0, limit + 1, Number.NaN]) {
      const starting = HttpRig.start({}, { [name]: value });
      await expect(starting).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    }
    for (const value of [1, limit]) await HttpRig.start({}, { [name]: value });
  });
});
