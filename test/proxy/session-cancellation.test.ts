// What a client takes back: of its own, and never of the guard's.
import { beforeAll, describe, expect, it } from "vitest";
import type { TrustedCatalog } from "../../src/catalog/trusted.ts";
import { LIMIT_CANCELLED } from "../../src/proxy/limits.ts";
import { FIXTURE_SERVER } from "../../src/testing/index.ts";
import { call, catalogToml, Rig, request, trust } from "./rig.ts";

let catalog: TrustedCatalog;

beforeAll(async () => {
  catalog = await trust(catalogToml());
});

describe("cancellation", () => {
  it("of a call that waits takes it back: it is never sent, nor answered", () => {
    const rig = new Rig(catalog, { ...FIXTURE_SERVER, list: "unanswered" });
    rig.send(call(1, "echo"));
    rig.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } });
    rig.elapse(30_000);
    expect(rig.received).toEqual([]);
    expect(rig.mock.callsReceived).toBe(0);
    expect(rig.upstream.some((line) => line.includes("cancelled"))).toBe(false);
  });

  it("of what was sent keeps its id until the answer, which goes nowhere", () => {
    const rig = new Rig(catalog).connect().send(call(0, "echo"));
    rig.mock.respond = () => [];
    const smuggled = { prompts: [{ name: "export_secrets" }] };
    for (const answer of [smuggled, "\u0001"]) {
      rig.received.length = 0;
      rig.send(request(1, "prompts/list"));
      rig.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: 1 } });
      expect(rig.upstream.at(-1)).toContain("notifications/cancelled");
      expect(rig.send(request(1, "ping")).reason(1)).toBe("malformed_message");
      const text = answer === smuggled ? JSON.stringify(answer) : `{"a":"${answer}"}`;
      rig.serverSends(`{"jsonrpc":"2.0","id":1,"result":${text}}`);
      expect(rig.received).toHaveLength(1);
      expect(rig.records.at(-1)).toMatchObject({ kind: "drop", sender: "server" });
    }
    rig.received.length = 0;
    rig.send(request(1, "ping")).serverSends({ jsonrpc: "2.0", id: 1, result: {} });
    expect(rig.reason(1)).toBe("allowed");
  });

  it("keeps 65 536 ids, and then forgets the oldest", () => {
    const rig = new Rig(catalog, FIXTURE_SERVER, { onRecord: undefined });
    rig.mock.respond = () => [];
    for (let id = 0; id <= LIMIT_CANCELLED; id++) {
      rig.send(request(id, "ping"));
      rig.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: id } });
    }
    rig.send(request(1, "ping")).send(request(0, "ping"));
    expect(rig.reason(1)).toBe("malformed_message");
    expect(rig.answers(0)).toEqual([]);
  });

  it("of the guard's own listing is not the client's to ask", () => {
    const rig = new Rig(catalog, { ...FIXTURE_SERVER, list: "unanswered" }).send(call(1, "echo"));
    const { id } = JSON.parse(rig.upstream[0] ?? "");
    const before = rig.upstream.length;
    rig.send({ jsonrpc: "2.0", method: "notifications/cancelled", params: { requestId: id } });
    expect(rig.upstream).toHaveLength(before);
  });
});
