import { describe, expect, it } from "vitest";
import { type CatalogLock, lockedDefinition, readLock, writeLock } from "../../src/catalog/lock.ts";
import { digestOf, faultOf } from "../fixtures/catalog.ts";
import { naiveItemDigest } from "../fixtures/naive-fingerprint.ts";

const CANONICAL = '{"inputSchema":{"type":"object"},"name":"b"}';
const DIGEST = naiveItemDigest("tool", CANONICAL);
const lock: CatalogLock = {
  servers: new Map([
    [
      "s",
      {
        items: [
          { kind: "tool", name: "b", digest: DIGEST, canonical: CANONICAL },
          { kind: "tool", name: "a", digest: digestOf("a2"), canonical: "{}" },
          { kind: "tool", name: "a", digest: digestOf("a1"), canonical: "{}" },
          { kind: "resource", name: "file:///é", digest: digestOf("r"), canonical: "{}" },
          { kind: "prompt", name: "a", digest: digestOf("p"), canonical: "{}" },
        ],
        instructions: "hi\n\u202e",
      },
    ],
    ["A", { items: [] }],
  ]),
};

interface Document {
  version: unknown;
  servers: Record<string, unknown>;
}

/** The lock's JSON after a change. */
function changed(change: (document: Document) => void): string {
  const document: Document = JSON.parse(writeLock(lock));
  change(document);
  return JSON.stringify(document);
}

function withItem(item: unknown): string {
  return changed((document) => {
    document.servers["s"] = { items: [item] };
  });
}

const ITEM = { kind: "tool", name: "b", digest: DIGEST, canonical: CANONICAL };

describe("writeLock", () => {
  it("gives one text for one content, sorted, and readLock gives the content back", () => {
    const text = writeLock(lock);
    const reversed = [...lock.servers]
      .reverse()
      .map(([id, server]) => [id, { ...server, items: [...server.items].reverse() }] as const);
    expect(writeLock({ servers: new Map(reversed) })).toBe(text);
    expect(writeLock(readLock(text))).toBe(text);
    const read = readLock(text).servers;
    expect([...read.keys()]).toEqual(["A", "s"]);
    expect(read.get("s")?.instructions).toBe("hi\n\u202e");
    const order = read.get("s")?.items.map(({ kind, name }) => `${kind} ${name}`);
    expect(order).toEqual(["tool a", "tool a", "tool b", "prompt a", "resource file:///é"]);
    expect(new Set(read.get("s")?.items)).toEqual(new Set(lock.servers.get("s")?.items));
  });

  it("is one version, two blanks of indentation, a line feed at the end", () => {
    expect(writeLock({ servers: new Map([["A", { items: [] }]]) })).toBe(
      '{\n  "version": 1,\n  "servers": {\n    "A": {\n      "items": []\n    }\n  }\n}\n',
    );
  });
});

describe("readLock refuses", () => {
  it.each([
    ["what is not json", "{", undefined],
    ["an array", "[]", undefined],
    ["an unknown member", changed((d) => Object.assign(d, { x: 1 })), undefined],
    ["no servers", '{"version":1}', undefined],
    ["another version", changed((d) => Object.assign(d, { version: 2 })), "version"],
    ["a version as text", changed((d) => Object.assign(d, { version: "1" })), "version"],
    ["a server id __proto__", '{"version":1,"servers":{"__proto__":{"items":[]}}}', "servers"],
    ["a server that is null", '{"version":1,"servers":{"s":null}}', "servers.s"],
    [
      "an unknown member of a server",
      '{"version":1,"servers":{"s":{"items":[],"x":1}}}',
      "servers.s",
    ],
    ["items that are no array", '{"version":1,"servers":{"s":{"items":{}}}}', "servers.s.items"],
    [
      "instructions that are null",
      '{"version":1,"servers":{"s":{"items":[],"instructions":null}}}',
      "servers.s.instructions",
    ],
    ["an unknown kind", withItem({ ...ITEM, kind: "tools" }), "servers.s.items[0].kind"],
    ["an empty name", withItem({ ...ITEM, name: "" }), "servers.s.items[0].name"],
    ["a name that is no text", withItem({ ...ITEM, name: 1 }), "servers.s.items[0].name"],
    ["a short digest", withItem({ ...ITEM, digest: "sha256:ab" }), "servers.s.items[0].digest"],
    [
      "a definition that is an object",
      withItem({ ...ITEM, canonical: {} }),
      "servers.s.items[0].canonical",
    ],
    ["an unknown member of an item", withItem({ ...ITEM, x: 1 }), "servers.s.items[0]"],
    [
      "a missing member of an item",
      withItem({ kind: "tool", name: "b", digest: DIGEST }),
      "servers.s.items[0]",
    ],
  ])("%s", (_, text, path) => {
    expect(faultOf(() => readLock(text))).toEqual({ code: "LOCK_INVALID", path });
  });

  it("an item twice", () => {
    const text = changed((document) => {
      document.servers["s"] = { items: [ITEM, { ...ITEM, canonical: "{}" }] };
    });
    expect(faultOf(() => readLock(text))).toEqual({
      code: "LOCK_INVALID",
      path: "servers.s.items[1]",
    });
  });
});

describe("lockedDefinition", () => {
  const find = (from: CatalogLock, wanted: object = {}): string | undefined =>
    lockedDefinition(
      from,
      { serverId: "s", kind: "tool", name: "b", fingerprints: [digestOf("x"), DIGEST], ...wanted },
      naiveItemDigest,
    );

  it("gives the text of a digest that the catalog accepts", () => {
    expect(find(readLock(writeLock(lock)))).toBe(CANONICAL);
  });

  it("gives nothing for a text that was edited under an accepted digest", () => {
    expect(find(readLock(withItem({ ...ITEM, canonical: '{"name":"b"}' })))).toBeUndefined();
  });

  it.each([
    ["another server", { serverId: "A" }],
    ["an unknown server", { serverId: "toString" }],
    ["another kind", { kind: "prompt" }],
    ["another name", { name: "a" }],
    ["no accepted digest", { fingerprints: [digestOf("x")] }],
  ])("gives nothing for %s", (_, wanted) => {
    expect(find(lock, wanted)).toBeUndefined();
  });
});
