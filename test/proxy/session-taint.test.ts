// Taint in the proxy: what marks a session, what a label stops, and a store that fails meanwhile.
import { describe, expect, it } from "vitest";
import { utf8Text } from "../../src/bytes.ts";
import { GuardError } from "../../src/errors.ts";
import { sessionHash } from "../../src/guard/identity-hash.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { SyncStateStore } from "../../src/store/types.ts";
import { FIXTURE_SERVER } from "../../src/testing/index.ts";
import { reasons, rigOf } from "./layers-rig.ts";
import { version } from "./reload-rig.ts";
import { type CatalogParts, call, catalogToml, modern, Rig, request, trust } from "./rig.ts";
import { moodyStore } from "../store/moody-store.ts";

describe("taint", () => {
  const parts: CatalogParts = {
    itemKeys: {
      read_text_file: 'adds_taint = ["private"]',
      echo: "adds_taint = []",
      fetch_url: 'stops_taint = ["private"]\ntaint_outcome = "deny"',
    },
  };

  it("C9: is on the session before the bytes are forwarded, and stops what it is to stop", async () => {
    const store = createMemoryStore();
    const catalog = await trust(catalogToml(parts));
    const session = sessionHash("s");
    const rig = new Rig(catalog, FIXTURE_SERVER, { store, sessionId: "s" }).connect();
    const seen: number[] = [];
    const respond = rig.mock.respond.bind(rig.mock);
    rig.mock.respond = (line) => {
      const text = typeof line === "string" ? line : (utf8Text(line) ?? "");
      if (text.includes("tools/call")) seen.push(store.getTaint(session));
      return respond(line);
    };
    expect(reasons(rig, call(1, "echo"), call(2, "fetch_url"))).toEqual(["allowed", "allowed"]);
    expect(reasons(rig, call(3, "read_text_file"), call(4, "fetch_url"))).toEqual([
      "allowed",
      "taint_denied",
    ]);
    expect(seen[0]).toBe(0);
    expect((seen.at(-1) ?? 0) & 2).toBe(2);
    expect(rig.records.at(-1)).toMatchObject({
      reason: "taint_denied",
      layer: "taint",
      taint: ["untrusted", "private"],
    });
  });

  it("C14: a new guard process of the same session is as tainted; another session is not", async () => {
    const store = createMemoryStore();
    const first = await rigOf(parts, { store });
    first.send(call(1, "read_text_file"));
    const second = await rigOf(parts, { store });
    expect(second.send(call(1, "fetch_url")).reason(1)).toBe("taint_denied");
    const other = await rigOf(parts, { store, sessionId: "another" });
    expect(other.send(call(1, "fetch_url")).reason(1)).toBe("allowed");
  });

  it("a store that cannot be asked refuses what a label would stop, and nothing else", async () => {
    const store = createMemoryStore();
    const fault = (): never => {
      throw new GuardError("STORE_UNAVAILABLE", "expected a store, got none");
    };
    const broken: SyncStateStore = { ...store, getTaint: fault, addTaint: fault };
    const rig = await rigOf(parts, { store: broken });
    expect(reasons(rig, call(1, "fetch_url"), call(2, "echo"))).toEqual([
      "taint_denied",
      "allowed",
    ]);
  });

  it("a store that could be asked for nothing has the labels when it works again", async () => {
    const store = createMemoryStore();
    const moody = moodyStore(store);
    const rig = await rigOf(parts, { store: moody.store });
    moody.isBroken = true;
    expect(rig.send(call(1, "read_text_file")).reason(1)).toBe("allowed");
    moody.isBroken = false;
    expect(rig.send(call(2, "fetch_url")).reason(2)).toBe("taint_denied");
    // and so has every other process
    const other = await rigOf(parts, { store });
    expect(other.send(call(1, "fetch_url")).reason(1)).toBe("taint_denied");
  });

  it("what the store could not take is not forgotten with a newer catalog", async () => {
    const store = createMemoryStore();
    let isBroken = false;
    const moody: SyncStateStore = {
      ...store,
      addTaint: (session, mask) => {
        if (isBroken) throw new GuardError("STORE_UNAVAILABLE", "expected a store, got none");
        return store.addTaint(session, mask);
      },
    };
    const rig = await rigOf(parts, { store: moody });
    isBroken = true;
    rig.send(call(1, "read_text_file"));
    rig.session.replaceCatalog(await version(8, parts));
    expect(rig.send(call(2, "fetch_url")).reason(2)).toBe("taint_denied");
  });

  it("a subscription marks the session as reading does", async () => {
    const uri = "file:///workspace/README.md";
    const own = { ...parts, itemKeys: { ...parts.itemKeys, [uri]: 'adds_taint = ["private"]' } };
    for (const message of [
      request(1, "resources/subscribe", { uri }),
      modern(
        request(1, "subscriptions/listen", { notifications: { resourceSubscriptions: [uri] } }),
      ),
    ]) {
      const store = createMemoryStore();
      const rig = await rigOf(own, { store });
      rig.send(message);
      expect(store.getTaint(sessionHash("s"))).toBe(2);
      // taking it back needs nothing, and marks nothing
      expect(rig.send(request(2, "resources/unsubscribe", { uri })).reason(2)).toBe("allowed");
    }
  });
});
