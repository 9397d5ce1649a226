// Every attack fixture through the stdio session: the exact reason, no upstream call, a record.
import { beforeAll, describe, expect, it } from "vitest";
import type { TrustedCatalog } from "../../src/catalog/trusted.ts";
import { ATTACKS, FIXTURE_SERVER, FIXTURE_TOOLS } from "../../src/testing/index.ts";
import { call, catalogToml, Rig, request, SERVER_ID, trust } from "../proxy/rig.ts";

let catalog: TrustedCatalog;

beforeAll(async () => {
  catalog = await trust(catalogToml());
});

const CALL_ID = 901;
const LISTINGS = ["tools/list", "prompts/list", "resources/list", "resources/templates/list"];

describe("ATTACKS through the stdio guard", () => {
  it.each([...ATTACKS])("%s", (_, attack) => {
    const { name, line, scopeCap, server = SERVER_ID } = attack.call;
    const rig = new Rig(
      catalog,
      { ...FIXTURE_SERVER, ...attack.switches },
      {
        scopeCap,
        serverId: server,
      },
    );
    rig.connect();
    for (const method of LISTINGS) rig.send(request(method, method));
    rig.send(line ?? call(CALL_ID, name, attack.call.arguments));
    // a listing that is never answered ends the wait
    rig.elapse(30_000);
    rig.elapse(30_000);
    const own = ["init", ...LISTINGS];
    const answers = rig
      .messages()
      .filter(({ id, method }) => method === undefined && !own.includes(String(id)));
    const reasons = answers.map(({ error, result }) =>
      result !== undefined ? "allowed" : (error?.data?.["reason"] ?? error?.code),
    );
    if (attack.expectedReason === "allowed") {
      expect(rig.mock.callsReceived).toBe(1);
      const decided = rig.records.filter(({ method }) => method === "tools/call");
      expect(decided.at(0)).toMatchObject({ kind: "decision", reason: "allowed", tool: name });
      expect(reasons).toHaveLength(1);
    } else {
      expect(reasons.map((reason) => (reason === -32700 ? "malformed_message" : reason))).toEqual([
        attack.expectedReason,
      ]);
      expect(rig.mock.callsReceived).toBe(0);
      const refused = rig.records.filter(({ kind }) => kind === "decision").at(-1);
      expect(refused).toMatchObject({ reason: attack.expectedReason, outcome: "deny" });
    }
    // a refusal may name what the client itself has asked for
    const refusals = new Set(answers.filter(({ error }) => error?.code === 4403));
    const seen = rig.messages().filter((message) => !isAmong(refusals, message));
    for (const text of attack.forbidden) expect(JSON.stringify(seen)).not.toContain(text);
  });
});

function isAmong(messages: ReadonlySet<object>, message: object): boolean {
  const text = JSON.stringify(message);
  return [...messages].some((other) => JSON.stringify(other) === text);
}

describe("B12 storm", () => {
  it("a list that changes with every page makes the guard list nine times, and no more", () => {
    const storm = { listChanged: 1000, on: "tools/list", times: 1000, pageSize: 1 };
    const rig = new Rig(catalog, { ...FIXTURE_SERVER, ...storm });
    rig.connect().send(call(1, "echo"));
    expect(rig.reason(1)).toBe("server_not_admitted");
    expect(rig.mock.callsReceived).toBe(0);
    expect(rig.mock.listsReceived).toBe(9 * FIXTURE_TOOLS.length);
  });
});
