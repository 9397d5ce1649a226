// A session begins with room for short messages and takes more with the first larger one; what it knew
// stays.
import { describe, expect, it } from "vitest";
import { createMemoryStore } from "../../src/store/memory.ts";
import { FIXTURE_SERVER } from "../../src/testing/index.ts";
import { FIXTURE_ARGUMENTS } from "../fixtures/calls.ts";
import { answered, rigOf } from "./async-rig.ts";
import { catalogToml, Rig, trust } from "./rig.ts";

const READ = "read_text_file";

function unavailable(): never {
  throw new Error("the store is away");
}

function read(id: number, padding = ""): object {
  const args = FIXTURE_ARGUMENTS.get(READ);
  const _meta = { "example.com/padding": padding };
  return {
    jsonrpc: "2.0",
    id,
    method: "tools/call",
    params: { name: READ, arguments: args, _meta },
  };
}

describe("a session that takes more room", () => {
  it("passes messages below and above it, in both directions, up to the limit", async () => {
    const options = { ...FIXTURE_SERVER, callEcho: true };
    const rig = new Rig(await trust(catalogToml()), options).connect();
    rig.send(read(1));
    expect(rig.reason(1)).toBe("allowed");
    const lists = rig.mock.count("tools/list");
    rig.send(read(2, "x".repeat(100_000)));
    expect(rig.reason(2)).toBe("allowed");
    expect(rig.mock.count("tools/list")).toBe(lists);
    rig.send(read(3, "x".repeat(1_100_000)));
    expect(rig.reason(3)).toBe("malformed_message");
    rig.send(read(4, "x".repeat(500_000)));
    expect(rig.reason(4)).toBe("allowed");
    expect(rig.mock.callsReceived).toBe(3);
  });

  it("takes a large answer, and what waited is decided once", async () => {
    const options = { ...FIXTURE_SERVER, resultText: "y".repeat(50_000) };
    const rig = new Rig(await trust(catalogToml()), options).connect();
    rig.send(read(1));
    expect(rig.reason(1)).toBe("allowed");
    rig.send(read(2));
    expect(rig.reason(2)).toBe("allowed");
    expect(rig.mock.callsReceived).toBe(2);
  });

  it("reads a listing that is larger than its room at first, and refuses what has drifted", async () => {
    const options = {
      ...FIXTURE_SERVER,
      fillerTools: 200,
      drift: "description",
      target: READ,
    } as const;
    const catalog = await trust(catalogToml({ onDrift: "block-tool" }));
    const rig = new Rig(catalog, options).connect();
    rig.send(read(1));
    expect(rig.reason(1)).toBe("fingerprint_drift");
    const write = { name: "write_file", arguments: FIXTURE_ARGUMENTS.get("write_file") };
    rig.send({ jsonrpc: "2.0", id: 2, method: "tools/call", params: write });
    expect(rig.reason(2)).toBe("allowed");
    expect(rig.mock.calls.map(({ name }) => name)).toEqual(["write_file"]);
  });

  it.each([
    ["and is in the store", createMemoryStore()],
    ["and the store cannot take it", { ...createMemoryStore(), addDrift: unavailable }],
  ])("drift that it has seen stays, %s", async (_what, store) => {
    const options = {
      ...FIXTURE_SERVER,
      drift: "description",
      target: READ,
      flicker: true,
    } as const;
    const catalog = await trust(catalogToml({ onDrift: "block-tool" }));
    const rig = new Rig(catalog, options, { store }).connect();
    rig.send(read(1));
    rig.send(read(2, "x".repeat(100_000)));
    rig.send(read(3));
    expect([1, 2, 3].map((id) => rig.reason(id))).toEqual(Array(3).fill("fingerprint_drift"));
    expect(rig.mock.callsReceived).toBe(0);
  });

  it("drift that it has seen stays, with a store that answers later too", async () => {
    const { rig } = rigOf({
      catalog: await trust(catalogToml({ onDrift: "block-tool" })),
      server: { ...FIXTURE_SERVER, drift: "description", target: READ, times: 1 },
    });
    rig.send(read(1));
    await answered(rig, 1);
    rig.send(read(2, "x".repeat(100_000)));
    rig.send(read(3));
    const reasons = await answered(rig, 1, 2, 3);
    expect(reasons).toEqual(Array(3).fill("fingerprint_drift"));
    expect(rig.mock.callsReceived).toBe(0);
  });
});
