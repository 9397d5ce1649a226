import { describe, expect, it } from "vitest";
import {
  applyPins,
  type ItemPin,
  pinnedFingerprint,
  type ServerPins,
} from "../../src/catalog/edit.ts";
import { parseCatalog } from "../../src/catalog/parse.ts";
import {
  bytesOf,
  digestOf,
  EXAMPLE,
  faultOf,
  HEAD,
  SMALL_SERVER,
  sealed,
} from "../fixtures/catalog.ts";

const NONE: ServerPins = {
  tools: new Map(),
  prompts: new Map(),
  resources: new Map(),
  resourceTemplates: new Map(),
};

function pin(seed: string, more: Partial<ItemPin> = {}): ItemPin {
  return { fingerprint: digestOf(seed), scope: ["fs.read"], effect: "read", ...more };
}

function tools(...pins: readonly (readonly [string, ItemPin])[]): ServerPins {
  return { ...NONE, tools: new Map(pins) };
}

/** Applies twice, checks that the second time changes nothing and that the parser takes it. */
function apply(text: string, serverId: string, pins: ServerPins): string {
  const once = applyPins(text, serverId, pins);
  expect(applyPins(once, serverId, pins)).toBe(once);
  parseCatalog(bytesOf(once));
  return once;
}

/** The lines of `after` that `before` has not, and the lines it lost. */
function changed(before: string, after: string): { added: string[]; lost: string[] } {
  const [old, now] = [before.split("\n"), after.split("\n")];
  return {
    added: now.filter((line) => !old.includes(line)),
    lost: old.filter((line) => !now.includes(line)),
  };
}

const catalog = sealed(EXAMPLE);
const small = sealed(`${HEAD}${SMALL_SERVER}`);

describe("pins that are there already", () => {
  it("change nothing at all", () => {
    const pins = tools(["read_text_file", pin("read_text_file", { scope: ["exec"] })]);
    expect(apply(catalog, "filesystem", pins)).toBe(catalog);
  });

  it("a new digest replaces the old one and the commitment, and nothing else", () => {
    const after = apply(catalog, "filesystem", tools(["read_text_file", pin("new")]));
    const { added, lost } = changed(catalog, after);
    expect(added).toHaveLength(2);
    expect(added[1]).toBe(
      `fingerprint = "${digestOf("new")}"          # or an array of accepted ones`,
    );
    expect(added[0]).toMatch(
      /^fingerprint {7}= "sha256:[0-9a-f]{64}" {15}# of the pinned manifest$/,
    );
    expect(lost).toHaveLength(2);
    const item = parseCatalog(bytesOf(after))
      .servers.get("filesystem")
      ?.tools.get("read_text_file");
    expect(item).toMatchObject({ fingerprints: [digestOf("new")], scope: ["fs.read"] });
  });

  it("of several accepted digests the first is replaced, unless the new one is among them", () => {
    const list = `[ # one per era\n  "${digestOf("t")}",\n  "${digestOf("t2")}", # legacy\n]`;
    const text = sealed(`${HEAD}${SMALL_SERVER.replace(`"${digestOf("t")}"`, list)}`);
    expect(apply(text, "s", tools(["t", pin("t2")]))).toBe(text);
    const after = apply(text, "s", tools(["t", pin("t3")]));
    expect(changed(text, after).added).toContain(`  "${digestOf("t3")}",`);
    expect(after).toContain(`  "${digestOf("t2")}", # legacy\n`);
  });

  it("a missing fingerprint is written, so that a skeleton can be pinned", () => {
    const text = `${HEAD}[servers.s]
command = ["x"]  # how
max_allowed_scope = ["fs.read"]
  [servers.s.tools.t]
    scope = ["fs.read"]
    effect = "read" # harmless
`;
    const after = apply(text, "s", tools(["t", pin("t")]));
    expect(after).toContain(
      `    effect = "read" # harmless\n    fingerprint = "${digestOf("t")}"\n`,
    );
    expect(after).toMatch(
      /max_allowed_scope = \["fs.read"\]\nfingerprint = "sha256:[0-9a-f]{64}"\n/,
    );
  });

  it("what is pinned and not live stays, and the commitment counts it", () => {
    const after = apply(catalog, "filesystem", tools());
    expect(after).toBe(catalog);
  });
});

describe("new pins", () => {
  it("go behind the server's last item, before the next table and its comment", () => {
    const pins: ServerPins = {
      ...NONE,
      tools: new Map([["write_file", pin("w", { scope: ["fs.write"], effect: "write" })]]),
      resources: new Map([["file:///a\u200b", pin("a")]]),
    };
    const text = catalog.replace("[principals", "# --- who ---\n[principals");
    const after = apply(text, "filesystem", pins);
    const start = after.indexOf(
      '[servers.filesystem.resource_templates."file:///workspace/{name}"]',
    );
    const end = after.indexOf("[principals");
    expect(
      after.slice(start, end),
    ).toBe(`[servers.filesystem.resource_templates."file:///workspace/{name}"]
fingerprint = "${digestOf("template")}"
scope = ["fs.read"]
effect = "read"

[servers.filesystem.tools.write_file]
fingerprint = "${digestOf("w")}"
scope = ["fs.write"]
effect = "write"

[servers.filesystem.resources."file:///a\\u200b"]
fingerprint = "${digestOf("a")}"
scope = ["fs.read"]
effect = "read"

# --- who ---
`);
  });

  it("are indented and ended like their neighbours", () => {
    const text = small
      .replace(/^(?=fingerprint = .*\nscope|scope|effect)/gm, "\t")
      .replaceAll("\n", "\r\n");
    const after = apply(text, "s", tools(["t", pin("t")], ["u v", pin("u")]));
    const block = `\r\n\r\n[servers.s.tools."u v"]\r\n\tfingerprint = "${digestOf("u")}"\r\n\tscope`;
    expect(after).toContain(block);
    expect(after.replaceAll("\r\n", "")).not.toContain("\n");
  });

  it("of a server without items go behind its own table", () => {
    const text = sealed(`${HEAD}[servers.s]
command = ["x"]
fingerprint = "@FP@"
max_allowed_scope = ["fs.read"] # last

[principals]
`);
    const after = apply(text, "s", tools(["t", pin("t")]));
    expect(after).toContain(`max_allowed_scope = ["fs.read"] # last\n\n[servers.s.tools.t]\n`);
    expect(after.endsWith('effect = "read"\n\n[principals]\n')).toBe(true);
  });

  it.each([
    [
      "dotted keys",
      `[servers]
s.command = ["x"]
s.fingerprint = "@FP@"
s.max_allowed_scope = ["fs.read"]
s.tools.t.fingerprint = "${digestOf("t")}"
s.tools.t.scope = ["fs.read"]
s.tools.t.effect = "read" # dotted
[principals]
`,
      `# dotted\ns.tools."u v" = { fingerprint = "${digestOf("u")}", scope = ["fs.read"], effect = "read" }\n`,
    ],
    [
      "an inline table",
      `[servers.s]
command = ["x"]
fingerprint = "@FP@"
max_allowed_scope = ["fs.read"]
tools = { t = { fingerprint = "${digestOf("t")}", scope = ["fs.read"], effect = "read" } } # inline
`,
      `, "u v" = { fingerprint = "${digestOf("u")}", scope = ["fs.read"], effect = "read" } } # inline\n`,
    ],
    [
      "an empty inline table",
      `[servers.s]
command = ["x"]
fingerprint = "@FP@"
max_allowed_scope = ["fs.read"]
tools = {}
`,
      `tools = { t = { fingerprint = "${digestOf("t")}", scope = ["fs.read"], effect = "read" }, "u v" = { `,
    ],
    [
      "inline items under a header",
      `[servers.s]
command = ["x"]
fingerprint = "@FP@"
max_allowed_scope = ["fs.read"]
[servers.s.tools]
t = { fingerprint = "${digestOf("t")}", scope = ["fs.read"], effect = "read" }
`,
      `\n\n[servers.s.tools."u v"]\n`,
    ],
    [
      "one inline server",
      `[servers]
s = { command = ["x"], fingerprint = "@FP@", max_allowed_scope = ["fs.read"], tools.t = { fingerprint = "${digestOf("t")}", scope = ["fs.read"], effect = "read" } }
`,
      `, tools."u v" = { fingerprint = "${digestOf("u")}", scope = ["fs.read"], effect = "read" } }\n`,
    ],
  ])("beside %s are written the same way", (_, rest, expected) => {
    const text = sealed(`${HEAD}${rest}`);
    const after = apply(text, "s", tools(["t", pin("t")], ["u v", pin("u")]));
    expect(after).toContain(expected);
    const names = parseCatalog(bytesOf(after)).servers.get("s")?.tools.keys();
    expect([...(names ?? [])]).toEqual(["t", "u v"]);
    const changedDigest = apply(after, "s", tools(["t", pin("t9")]));
    const item = parseCatalog(bytesOf(changedDigest)).servers.get("s")?.tools.get("t");
    expect(item?.fingerprints).toEqual([digestOf("t9")]);
  });

  it("instructions are written once and then replaced", () => {
    const first = apply(small, "s", { ...NONE, instructions: digestOf("i") });
    expect(first).toContain(`max_allowed_scope = ["fs.read"]\ninstructions = "${digestOf("i")}"\n`);
    const second = apply(first, "s", { ...NONE, instructions: digestOf("j") });
    expect(second).toContain(`instructions = "${digestOf("j")}"\n`);
    expect(second).not.toContain(digestOf("i"));
    expect(apply(second, "s", NONE)).toBe(second);
  });
});

describe("a new server", () => {
  const server = { command: ["npx", 'a "b"'], env: ["HOME"], maxAllowedScope: ["fs.read"] };

  it("goes to the end of the file, whole", () => {
    const after = apply(small, "files.two", { ...tools(["t", pin("t")]), server });
    expect(after.startsWith(`${small}\n`)).toBe(true);
    expect(after.slice(small.length).replace(/fingerprint = "sha256:[^"]*"\n/, "FP\n")).toBe(`
[servers."files.two"]
command = ["npx", "a \\"b\\""]
env = ["HOME"]
max_allowed_scope = ["fs.read"]
FP

[servers."files.two".tools.t]
fingerprint = "${digestOf("t")}"
scope = ["fs.read"]
effect = "read"
`);
  });

  it("over http, with headers and features", () => {
    const remote = {
      url: "https://h/mcp",
      headerEnv: new Map([["X-Key", "KEY"]]),
      maxAllowedScope: ["fs.read"],
      allow: ["tools", "prompts"] as const,
    };
    const after = apply(`${HEAD.trimEnd()}`, "r", { ...NONE, server: remote });
    expect(parseCatalog(bytesOf(after)).servers.get("r")).toMatchObject({
      ...remote,
      command: undefined,
    });
  });

  it.each(["", "[servers]\n", "servers = {}\n"])("into a catalog that ends in %j", (rest) => {
    const after = apply(`${HEAD}${rest}`, "s", { ...tools(["t", pin("t")]), server });
    expect(parseCatalog(bytesOf(after)).servers.get("s")?.tools.size).toBe(1);
  });

  it("that nobody says how to start is a fault", () => {
    const run = (): unknown => applyPins(small, "other", tools(["t", pin("t")]));
    expect(faultOf(run)?.code).toBe("SERVER_UNKNOWN");
  });
});

describe("items taken out", () => {
  const removed = [{ kind: "tool", name: "read_text_file" }] as const;

  it("go with their tables, and nothing else goes", () => {
    const text = catalog.replace("[servers.filesystem.tools.read_text_file]", "# keep me\n$&");
    const after = apply(text, "filesystem", { ...NONE, removed });
    expect(after).toContain("# keep me\n[servers.filesystem.prompts.summarise]");
    expect(after).not.toContain("read_text_file");
    expect(changed(text, after).added).toHaveLength(1); // the commitment
    expect(parseCatalog(bytesOf(after)).servers.get("filesystem")?.prompts.size).toBe(1);
  });

  it.each([0, 1, 2])("inline item %d of three goes with its comma", (index) => {
    const item = (name: string): string =>
      `${name} = { fingerprint = "${digestOf(name)}", scope = ["fs.read"], effect = "read" }`;
    const names = ["a", "b", "c"];
    const text = sealed(`${HEAD}[servers.s]
command = ["x"]
fingerprint = "@FP@"
max_allowed_scope = ["fs.read"]
tools = { ${names.map(item).join(", ")} }
`);
    const gone = names[index] ?? "";
    const after = apply(text, "s", { ...NONE, removed: [{ kind: "tool", name: gone }] });
    const left = names.filter((name) => name !== gone);
    expect(after).toContain(`tools = { ${left.map(item).join(", ")} }\n`);
    const all = names.map((name) => ({ kind: "tool" as const, name }));
    expect(apply(text, "s", { ...NONE, removed: all })).toContain("tools = {  }\n");
  });

  it("a dotted item goes line by line; one of another kind or server stays", () => {
    const text = sealed(`${HEAD}[servers.s]
command = ["x"]
fingerprint = "@FP@"
max_allowed_scope = ["fs.read"]
tools.t.fingerprint = "${digestOf("t")}" # gone
tools.t.scope = ["fs.read"]
tools.t.effect = "read"
prompts.t = { fingerprint = "${digestOf("t")}", scope = ["fs.read"], effect = "read" }
`);
    const after = apply(text, "s", { ...NONE, removed: [{ kind: "tool", name: "t" }] });
    expect(after).not.toContain("tools.t");
    expect(after).toContain("\nprompts.t = {");
  });
});

describe("the commitment", () => {
  it("is what the pins come to", () => {
    const committed = parseCatalog(bytesOf(catalog)).servers.get("filesystem")?.fingerprint;
    expect(pinnedFingerprint(catalog, "filesystem")).toBe(committed);
  });

  it("an approved fingerprint that the pins do not come to is refused", () => {
    const pins = tools(["t", pin("t2")]);
    const after = apply(small, "s", pins);
    const fingerprint = pinnedFingerprint(after, "s");
    expect(applyPins(small, "s", { ...pins, fingerprint })).toBe(after);
    const run = (): unknown => applyPins(small, "s", { ...pins, fingerprint: digestOf("x") });
    expect(faultOf(run)).toEqual({ code: "CATALOG_FINGERPRINT", path: "servers.s.fingerprint" });
  });

  it.each([
    ["text that is not toml", `${small}[`, "CATALOG_SYNTAX"],
    ["servers that are a list", `${HEAD}servers = []\n`, "CATALOG_SCHEMA"],
    [
      "an item that is no table",
      small.replace("[servers.s.tools.t]", "[servers.s.tools]"),
      "CATALOG_SCHEMA",
    ],
  ])("%s is a fault", (_, text, code) => {
    const server = { command: ["x"], maxAllowedScope: [] };
    expect(faultOf(() => applyPins(text, "s", { ...NONE, server }))?.code).toBe(code);
  });
});
