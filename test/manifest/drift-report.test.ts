import { describe, expect, it } from "vitest";
import type { LockServer } from "../../src/catalog/lock.ts";
import { parseCatalog } from "../../src/catalog/parse.ts";
import type { CatalogServer } from "../../src/catalog/types.ts";
import { readLiveTexts, reportServer } from "../../src/manifest/drift-report.ts";
import { catalogOf, digestOf } from "../fixtures/catalog.ts";
import { naiveInstructionsDigest, naiveItemDigest } from "../fixtures/naive-fingerprint.ts";

const READ = '{"description":"Reads.","inputSchema":{"type":"object"},"name":"read"}';
const WRITE = '{"inputSchema":{"type":"object"},"name":"write"}';
const PROMPT = '{"name":"sum"}';
const TEXT = "be kind";

function serverOf(allow: string, extra = ""): CatalogServer {
  const item = (table: string, name: string, digests: readonly string[], effect: string) => `
[servers.s.${table}.${name}]
fingerprint = [${digests.map((digest) => `"${digest}"`).join(", ")}]
scope = ["fs.read"]
effect = "${effect}"
`;
  const text = `[servers.s]
command = ["node", "s.js"]
fingerprint = "@FP@"
max_allowed_scope = ["fs.read"]
allow = ${allow}
${extra}
${item("tools", "read", [digestOf("other era"), naiveItemDigest("tool", READ)], "read")}
${item("tools", "write", [naiveItemDigest("tool", WRITE)], "write")}
${item("prompts", "sum", [naiveItemDigest("prompt", PROMPT)], "read")}
`;
  const server = parseCatalog(catalogOf(text)).servers.get("s");
  if (server === undefined) throw new Error("no server");
  return server;
}

const SERVER = serverOf(
  '["tools", "prompts"]',
  `instructions = "${naiveInstructionsDigest(TEXT)}"`,
);
const LOCK: LockServer = {
  items: [
    { kind: "tool", name: "read", digest: naiveItemDigest("tool", READ), canonical: READ },
    { kind: "tool", name: "write", digest: naiveItemDigest("tool", WRITE), canonical: WRITE },
  ],
  instructions: TEXT,
};

function live(tools: readonly string[], rest = `"prompts":[${PROMPT}],"instructions":"${TEXT}"`) {
  return readLiveTexts(`{"tools":[${tools.join(",")}],${rest}}`);
}

describe("reportServer", () => {
  it("what is as it was pinned matches, in any order and spelling", () => {
    const spelled = `{ "name": "read", "inputSchema": { "type": "object" }, "description": "\\u0052eads." }`;
    expect(reportServer(SERVER, LOCK, live([WRITE, spelled]))).toEqual({
      id: "s",
      status: "match",
      items: [],
    });
  });

  it("a changed definition is drift, with its members and what the catalog grants", () => {
    const changed = READ.replace("Reads.", "Reads and sends.");
    const { status, items } = reportServer(SERVER, LOCK, live([changed, WRITE]));
    expect(status).toBe("drift");
    expect(items).toMatchObject([
      {
        kind: "tool",
        name: "read",
        reason: "fingerprint_drift",
        expected: [digestOf("other era"), naiveItemDigest("tool", READ)],
        actual: naiveItemDigest("tool", changed),
        fields: [{ path: "/description", change: "changed" }],
        scope: ["fs.read"],
        effect: "read",
      },
    ]);
  });

  it("a new tool is smuggled, also under a name that objects have", () => {
    const names = ["new", "toString", "__proto__"];
    const tools = names.map((name) => `{"name":"${name}"}`);
    const { status, items } = reportServer(SERVER, LOCK, live([READ, WRITE, ...tools]));
    expect(status).toBe("drift");
    expect(items.map(({ name, reason }) => [name, reason])).toEqual(
      names.map((name) => [name, "tool_smuggle"]),
    );
  });

  it("a tool that another kind pins is smuggled", () => {
    const { items } = reportServer(SERVER, LOCK, live([READ, WRITE, '{"name":"sum"}']));
    expect(items).toMatchObject([{ kind: "tool", name: "sum", reason: "tool_smuggle" }]);
  });

  it("a pinned item that is not offered is reported and is no drift", () => {
    const { status, items } = reportServer(SERVER, LOCK, live([READ]));
    expect(status).toBe("match");
    expect(items).toMatchObject([
      { kind: "tool", name: "write", reason: "missing", actual: undefined, fields: [] },
    ]);
    const expected = [naiveItemDigest("tool", WRITE)];
    expect(items[0]?.expected).toEqual(expected);
  });

  it("a name offered twice is drift twice, also with the pinned text", () => {
    const { items } = reportServer(SERVER, LOCK, live([READ, READ, WRITE]));
    expect(items.map(({ reason, actual }) => [reason, actual])).toEqual([
      ["fingerprint_drift", undefined],
      ["fingerprint_drift", undefined],
    ]);
    expect(items[0]?.error).toMatch(/every name once/);
  });

  it("a definition without a readable name, or with a member twice, is not passed over", () => {
    const tools = ['{"name":1}', '{"name":"read","name":"read"}'];
    const { status, items } = reportServer(SERVER, LOCK, live([WRITE, ...tools]));
    expect(status).toBe("drift");
    expect(items.filter(({ reason }) => reason !== "missing").map(({ error }) => error)).toEqual([
      expect.any(String),
      expect.any(String),
    ]);
  });

  it("kinds that the catalog does not allow are not looked at", () => {
    const server = serverOf('["tools"]', `instructions = "${naiveInstructionsDigest(TEXT)}"`);
    const other = live([READ, WRITE], `"prompts":[{"name":"x"}],"instructions":"${TEXT}"`);
    expect(reportServer(server, LOCK, other)).toMatchObject({ status: "match", items: [] });
    expect(reportServer(SERVER, LOCK, other)).toMatchObject({
      items: [
        { kind: "prompt", name: "x", reason: "tool_smuggle" },
        { kind: "prompt", name: "sum", reason: "missing" },
      ],
    });
  });

  it.each([
    ["changed", `"instructions":"be quick"`],
    ["gone", `"resources":[]`],
  ])("instructions that are %s are drift of the server", (_, rest) => {
    const text = live([READ, WRITE], `"prompts":[${PROMPT}],${rest}`);
    const { status, items } = reportServer(SERVER, LOCK, text);
    expect(status).toBe("drift");
    expect(items).toMatchObject([
      { kind: "instructions", reason: "fingerprint_drift", fields: [{ path: "" }] },
    ]);
  });

  it("instructions where none are pinned are drift", () => {
    const { items } = reportServer(serverOf('["tools", "prompts"]'), LOCK, live([READ, WRITE]));
    expect(items).toMatchObject([
      { kind: "instructions", expected: [], fields: [{ old: undefined }] },
    ]);
  });

  it("without a lock there are digests and no members", () => {
    const changed = READ.replace("Reads.", "Sends.");
    const { status, items } = reportServer(SERVER, undefined, live([changed, WRITE]));
    expect(status).toBe("drift");
    expect(items).toMatchObject([{ name: "read", fields: [] }]);
  });

  it.each([
    ["edited under its digest", READ.replace("Reads.", "Sends.")],
    ["that is not json", "{"],
    ["that is empty", ""],
  ])("a text of the lock %s does not count", (_, canonical) => {
    const digest = naiveItemDigest("tool", READ);
    const lock = { items: [{ kind: "tool", name: "read", digest, canonical } as const] };
    const changed = READ.replace("Reads.", "Sends.");
    const { items } = reportServer(SERVER, lock, live([changed, WRITE]));
    expect(items[0]).toMatchObject({ name: "read", reason: "fingerprint_drift", fields: [] });
  });
});

describe("readLiveTexts", () => {
  it("gives every definition its canonical text and digest", () => {
    const { definitions, instructions } = live([' { "name" : "é", "a": 1.0 } '.trim()], `"x":1`);
    expect(definitions).toEqual([
      {
        kind: "tool",
        name: "é",
        fingerprint: naiveItemDigest("tool", '{"a":1,"name":"é"}'),
        canonical: '{"a":1,"name":"é"}',
        error: undefined,
      },
    ]);
    expect(instructions).toBeUndefined();
  });

  it("keeps the place of what is refused", () => {
    const { definitions } = live(['{"name":"a","x":1e999}', WRITE], `"x":1`);
    expect(definitions[0]).toMatchObject({ fingerprint: undefined, canonical: undefined });
    expect(definitions[0]?.error).toEqual(expect.any(String));
    expect(definitions[1]).toMatchObject({ name: "write", canonical: WRITE });
  });
});
