// How many children a guard starts, and for whom: a process is dearer than a connection.
import { describe, expect, it } from "vitest";
import { utf8, utf8Text } from "../../src/bytes.ts";
import { CHILDREN_DEFAULT, LIMIT_CHILDREN } from "../../src/http/limits.ts";
import type { Link, LinkFactory } from "../../src/http/link.ts";
import { catalogToml, trust } from "../proxy/rig.ts";
import { HttpRig, initialize, OTHER_TOKEN, TOKEN } from "./rig.ts";

const OPENED = JSON.stringify({
  jsonrpc: "2.0",
  id: "init",
  result: {
    protocolVersion: "2025-11-25",
    capabilities: { tools: {} },
    serverInfo: { name: "child", version: "1" },
  },
});

/** Children that open sessions, and answer nothing else. */
class Children {
  started = 0;
  ended = 0;

  readonly link: LinkFactory = (events): Link => {
    this.started += 1;
    return {
      request: ({ body }) => {
        const isOpening = utf8Text(body)?.includes('"initialize"') === true;
        if (isOpening) events.message(utf8(OPENED), undefined);
      },
      tell: () => Promise.resolve(202),
      abandon: () => false,
      listen: (stream) => stream.openStream(),
      end: () => Promise.resolve(204),
      close: () => {
        this.ended += 1;
      },
    };
  };
}

async function start(childrenMax?: number): Promise<{ rig: HttpRig; children: Children }> {
  const children = new Children();
  const catalog = await trust(catalogToml());
  const startCommand = (): LinkFactory => children.link;
  let nowMs = 0;
  const monotonic = (): number => nowMs++;
  const rig = await HttpRig.start({}, { catalog, startCommand, childrenMax, monotonic });
  return { rig, children };
}

/** What a notification to a session is answered with: 202, or 404 when it has ended. */
async function statusOf(rig: HttpRig, session: string, token = TOKEN): Promise<number> {
  const message = { jsonrpc: "2.0", method: "notifications/initialized" };
  return (await rig.post(message, { session, token })).status;
}

describe("room for children", () => {
  it("of a caller's sessions the one unused for longest ends where a child more is needed", async () => {
    const { rig, children } = await start(8);
    const [one, two] = [await rig.open(), await rig.open()];
    expect(await statusOf(rig, one)).toBe(202);
    const three = await rig.open();
    expect([children.started, children.ended]).toEqual([3, 1]);
    // what is refused and recorded takes no room of theirs
    for (let n = 0; n < 3; n++) expect(await statusOf(rig, two)).toBe(404);
    expect([await statusOf(rig, one), await statusOf(rig, three)]).toEqual([202, 202]);
    rig.guard.close();
    expect(children.ended).toBe(children.started);
  });

  it("a caller whose children are all at work is refused and recorded, others are not", async () => {
    const { rig, children } = await start(8);
    const ask = (token: string): Promise<Response> => rig.modern("tools/list", {}, { token });
    const open = [ask(TOKEN), ask(TOKEN)];
    await expect.poll(() => children.started).toBe(2);
    const refused = await ask(TOKEN);
    expect([refused.status, await refused.text()]).toEqual([503, "too many connections\n"]);
    expect((await rig.post(initialize())).status).toBe(503);
    expect(children.started).toBe(2);
    const drops = rig.records.filter(({ kind }) => kind === "drop");
    expect(drops).toMatchObject([
      { reason: "internal_fault", principal: "agent:a", detail: "too many connections" },
      { reason: "internal_fault", principal: "agent:a", detail: "too many connections" },
    ]);
    expect(await statusOf(rig, await rig.open({ token: OTHER_TOKEN }), OTHER_TOKEN)).toBe(202);
    rig.guard.close();
    await Promise.all(open);
    expect(children.ended).toBe(children.started);
  });

  it("sessions of one caller at one time, without being asked: a quarter of what there is", async () => {
    const { rig, children } = await start();
    const share = CHILDREN_DEFAULT / 4;
    for (let n = 0; n < share + 3; n++) await rig.open();
    expect([children.started, children.ended]).toEqual([share + 3, 3]);
    rig.guard.close();
  });

  it("is a number from 1 to its limit", async () => {
    for (const value of [0, LIMIT_CHILDREN + 1, Number.NaN]) {
      await expect(start(value)).rejects.toMatchObject({ code: "CONFIG_INVALID" });
    }
    await start(LIMIT_CHILDREN);
  });
});
