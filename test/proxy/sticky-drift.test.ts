// Drift outlives the process that has seen it, and ends with a newly signed catalog alone.
import { describe, expect, it } from "vitest";
import { GuardError } from "../../src/errors.ts";
import { StickyDrift } from "../../src/proxy/sticky-drift.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { Drift } from "../../src/store/records.ts";
import type { SyncStateStore } from "../../src/store/types.ts";
import { FIXTURE_SERVER, type MockOptions } from "../../src/testing/index.ts";
import { StepRig, version } from "./reload-rig.ts";
import { call, catalogToml, INITIALIZE, modern, Rig, request, SERVER_ID, trust } from "./rig.ts";

const catalog = await trust(catalogToml());
const lenient = await trust(catalogToml({ onDrift: "block-tool" }));
const DRIFTED: MockOptions = { ...FIXTURE_SERVER, drift: "description", target: "echo" };

function failing(
  store: SyncStateStore,
  ...names: readonly ("addDrift" | "listDrift")[]
): SyncStateStore {
  const fault = (): never => {
    throw new GuardError("STORE_UNAVAILABLE", "expected a store, got none");
  };
  return { ...store, ...Object.fromEntries(names.map((name) => [name, fault])) };
}

describe("drift of an item", () => {
  it("refuses the server in the next process, though the server shows the pinned one again", () => {
    const store = createMemoryStore();
    expect(new Rig(catalog, DRIFTED, { store }).send(call(1, "echo")).reason(1)).toBe(
      "fingerprint_drift",
    );
    const honest = new Rig(catalog, FIXTURE_SERVER, { store }).connect();
    expect(honest.send(call(1, "echo")).reason(1)).toBe("fingerprint_drift");
    expect(honest.send(call(2, "read_text_file")).reason(2)).toBe("server_not_admitted");
    expect(honest.send(request(3, "tools/list")).answer(3).result).toMatchObject({ tools: [] });
    expect(honest.mock.callsReceived).toBe(0);
    expect(honest.records.filter(({ reason }) => reason === "fingerprint_drift")).not.toEqual([]);
  });

  it("refuses that item alone where the catalog says so", () => {
    const store = createMemoryStore();
    new Rig(lenient, DRIFTED, { store }).send(call(1, "echo"));
    const honest = new Rig(lenient, FIXTURE_SERVER, { store }).connect();
    expect(honest.send(call(1, "echo")).reason(1)).toBe("fingerprint_drift");
    expect(honest.send(call(2, "read_text_file")).reason(2)).toBe("allowed");
    const { tools } = honest.send(request(3, "tools/list")).answer(3).result ?? {};
    expect(JSON.stringify(tools)).not.toContain('"echo"');
  });

  it("seen in a page that the client asked for is kept as well", () => {
    const store = createMemoryStore();
    const rig = new Rig(catalog, { ...DRIFTED, after: 1 }, { store }).send(call(1, "echo"));
    expect(rig.reason(1)).toBe("allowed");
    rig.send(request(2, "tools/list"));
    expect(store.listDrift(SERVER_ID, catalog.sha256)).toEqual([
      { serverId: SERVER_ID, kind: "tool", name: "echo", catalogSha256: catalog.sha256 },
    ]);
  });

  it("of what is not pinned, a smuggled tool, does not stick", () => {
    const store = createMemoryStore();
    const smuggled = { ...FIXTURE_SERVER, smuggle: "last" } as const;
    new Rig(catalog, smuggled, { store }).send(call(1, "echo"));
    expect(store.listDrift(SERVER_ID, catalog.sha256)).toEqual([]);
    expect(new Rig(catalog, FIXTURE_SERVER, { store }).send(call(1, "echo")).reason(1)).toBe(
      "allowed",
    );
  });

  it("ends with a newly signed catalog, in a running connection too", async () => {
    const store = createMemoryStore();
    new Rig(catalog, DRIFTED, { store }).send(call(1, "echo"));
    const rig = new StepRig(catalog, FIXTURE_SERVER, { store }).send(call(1, "echo")).serve();
    expect(rig.reason(1)).toBe("fingerprint_drift");
    rig
      .replace(await version(8))
      .send(call(2, "echo"))
      .serve();
    expect(rig.reason(2)).toBe("allowed");
  });

  it("of another process is taken over when a catalog is taken over", async () => {
    const store = createMemoryStore();
    const next = await version(8);
    store.addDrift({ serverId: SERVER_ID, kind: "tool", name: "echo", catalogSha256: next.sha256 });
    const rig = new StepRig(catalog, FIXTURE_SERVER, { store }).send(call(1, "echo")).serve();
    expect(rig.reason(1)).toBe("allowed");
    rig.replace(next).send(call(2, "echo")).serve();
    expect(rig.reason(2)).toBe("fingerprint_drift");
  });
});

describe("drift of instructions", () => {
  const drifted: MockOptions = { ...FIXTURE_SERVER, drift: "instructions" };

  it("refuses the server in the next process", () => {
    const store = createMemoryStore();
    new Rig(catalog, drifted, { store }).connect();
    const honest = new Rig(catalog, FIXTURE_SERVER, { store });
    expect(honest.send(call(1, "echo")).reason(1)).toBe("fingerprint_drift");
    expect(honest.send(INITIALIZE).answer("init").result).not.toHaveProperty("instructions");
    expect(honest.mock.callsReceived).toBe(0);
  });

  it("keeps them out for good where only they are refused", () => {
    const store = createMemoryStore();
    new Rig(lenient, drifted, { store }).connect();
    const honest = new Rig(lenient, FIXTURE_SERVER, { store }).connect();
    expect(honest.answer("init").result).not.toHaveProperty("instructions");
    const discovered = honest.send(modern(request(1, "server/discover"))).answer(1).result;
    expect(discovered).not.toHaveProperty("instructions");
    expect(honest.send(call(2, "echo")).reason(2)).toBe("allowed");
  });
});

describe("a store in trouble", () => {
  it("is tried again with the next drift; this process refuses at once", () => {
    const store = createMemoryStore();
    let isBroken = true;
    const moody: SyncStateStore = {
      ...store,
      addDrift: (drift: Drift) => {
        if (isBroken) throw new GuardError("STORE_UNAVAILABLE", "expected a store, got none");
        store.addDrift(drift);
      },
    };
    const drift = new StickyDrift({
      store: moody,
      before: [],
      serverId: SERVER_ID,
      catalogSha256: catalog.sha256,
    });
    drift.saw("tool", "echo");
    isBroken = false;
    drift.saw("instructions", "");
    drift.saw("instructions", "");
    const kinds = store.listDrift(SERVER_ID, catalog.sha256).map(({ kind }) => kind);
    expect(kinds).toEqual(["instructions", "tool"]);
    const rig = new Rig(catalog, DRIFTED, { store: failing(createMemoryStore(), "addDrift") });
    expect(rig.send(call(1, "echo")).reason(1)).toBe("fingerprint_drift");
  });

  it("that cannot say what drifted lets no connection begin", () => {
    const store = failing(createMemoryStore(), "listDrift");
    expect(() => new Rig(catalog, FIXTURE_SERVER, { store })).toThrow(
      expect.objectContaining({ code: "STORE_UNAVAILABLE" }),
    );
  });

  it("does not hold up a newer catalog: under that the server is refused as a whole", async () => {
    const working = createMemoryStore();
    const broken = failing(working, "listDrift");
    let isBroken = false;
    const store: SyncStateStore = {
      ...working,
      listDrift: (server, sha256) => (isBroken ? broken : working).listDrift(server, sha256),
    };
    const rig = new StepRig(catalog, FIXTURE_SERVER, { store }).send(call(1, "echo")).serve();
    isBroken = true;
    rig
      .replace(await version(8))
      .send(call(2, "echo"), request(3, "ping"))
      .serve();
    expect([rig.reason(1), rig.reason(2), rig.reason(3)]).toEqual([
      "allowed",
      "server_not_admitted",
      "server_not_admitted",
    ]);
    expect(rig.session.catalog.version).toBe(8);
    expect(rig.answers(2)[0]?.error?.message).toContain("cannot be read from the store");
    isBroken = false;
    rig
      .replace(await version(9))
      .send(call(4, "echo"))
      .serve();
    expect(rig.reason(4)).toBe("allowed");
  });
});
