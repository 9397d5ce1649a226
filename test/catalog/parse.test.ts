import { describe, expect, it } from "vitest";
import { parseCatalog } from "../../src/catalog/parse.ts";
import type { CatalogItem, CatalogServer, ItemKind } from "../../src/catalog/types.ts";
import {
  bytesOf,
  catalogOf,
  digestOf,
  EXAMPLE,
  exampleWith,
  HEAD,
  INSTRUCTIONS,
  SMALL_SERVER,
  sealed,
} from "../fixtures/catalog.ts";

function serverOf(bytes: Uint8Array, id: string): CatalogServer {
  const server = parseCatalog(bytes).servers.get(id);
  if (server === undefined) throw new Error(`no server ${id}`);
  return server;
}

/** An item that gives fingerprint, scope and effect and nothing else. */
function plainItem(kind: ItemKind, name: string, seed: string): CatalogItem {
  return {
    kind,
    name,
    fingerprints: [digestOf(seed)],
    scope: ["fs.read"],
    effect: "read",
    requires: [],
    addsTaint: ["untrusted"],
    stopsTaint: [],
    taintOutcome: "ask_user",
    vettingAccept: [],
    args: new Map(),
  };
}

describe("the example of the design page", () => {
  const catalog = parseCatalog(bytesOf(sealed(EXAMPLE)));

  it("gives its head", () => {
    expect(catalog.id).toBe("acme-agents");
    expect(catalog.version).toBe(7);
    expect(catalog.issuedMs).toBe(Date.UTC(2026, 10, 20));
    expect(catalog.expiresMs).toBe(Date.UTC(2027, 1, 20));
    expect(catalog.scopes).toEqual(new Map([["payments.refund", "issue a refund"]]));
    expect(catalog.taints).toEqual(new Map([["customer", "text written by a customer"]]));
    expect(catalog.scopeBits.get("payments.refund")).toBe(16);
    expect(catalog.taintBits.get("customer")).toBe(3);
  });

  it("gives its server", () => {
    const { tools, prompts, resources, resourceTemplates, fingerprint, ...rest } = serverOf(
      bytesOf(sealed(EXAMPLE)),
      "filesystem",
    );
    expect([...catalog.servers.keys()]).toEqual(["filesystem"]);
    expect(rest).toEqual({
      id: "filesystem",
      command: ["npx", "-y", "@modelcontextprotocol/server-filesystem@2026.8.31", "/workspace"],
      url: undefined,
      headerEnv: new Map(),
      env: ["HOME", "PATH"],
      maxAllowedScope: ["fs.read", "fs.write"],
      operatorVerified: true,
      allow: ["tools"],
      methods: [],
      onDrift: "block-server",
      instructions: INSTRUCTIONS,
      consentChannels: ["elicitation", "terminal", "web"],
    });
    expect(fingerprint).toMatch(/^sha256:[0-9a-f]{64}$/);
    const tool = {
      ...plainItem("tool", "read_text_file", "read_text_file"),
      args: new Map([["/path", { under: ["/workspace"] }]]),
    };
    expect(tools).toEqual(new Map([["read_text_file", tool]]));
    const prompt = plainItem("prompt", "summarise", "summarise");
    expect(prompts).toEqual(new Map([["summarise", prompt]]));
    const uri = "file:///workspace/README.md";
    expect(resources).toEqual(new Map([[uri, plainItem("resource", uri, "readme")]]));
    const template = "file:///workspace/{name}";
    const templateItem = plainItem("resource_template", template, "template");
    expect(resourceTemplates).toEqual(new Map([[template, templateItem]]));
  });

  it("gives its principal and its rule", () => {
    expect(catalog.principals).toEqual([
      { pattern: "agent:research-*", scope: ["fs.read", "net.fetch"], servers: ["filesystem"] },
    ]);
    const [rule, ...others] = catalog.rules;
    expect(others).toEqual([]);
    expect(rule?.id).toBe("no-destructive-outside-lease");
    expect(rule?.when).toEqual({ effect: ["destructive"], lease: false });
    expect(rule?.then).toBe("deny");
  });
});

describe("what is left out gets the strict default", () => {
  it("an empty catalog is valid and names nothing", () => {
    const catalog = parseCatalog(catalogOf(""));
    expect(catalog.servers.size).toBe(0);
    expect(catalog.rules).toEqual([]);
    expect(catalog.scopes.size + catalog.taints.size).toBe(0);
    expect(catalog.principals).toBeUndefined();
  });

  it("an absent principals table is not an empty one", () => {
    expect(parseCatalog(catalogOf("[principals]\n")).principals).toEqual([]);
    const open = parseCatalog(catalogOf('[principals."agent:*"]\n')).principals;
    expect(open).toEqual([{ pattern: "agent:*", scope: undefined, servers: undefined }]);
  });

  it("a server that says little gets what the page says", () => {
    const server = serverOf(catalogOf(SMALL_SERVER), "s");
    expect(server).toMatchObject({
      env: [],
      operatorVerified: true,
      allow: ["tools"],
      methods: [],
      onDrift: "block-server",
      instructions: undefined,
      consentChannels: ["elicitation", "terminal", "web"],
    });
    expect(server.tools.get("t")).toEqual(plainItem("tool", "t", "t"));
  });

  it("an empty list is the operator's word and stays empty", () => {
    const text = `${SMALL_SERVER}adds_taint = []\n`.replace(
      "max_allowed_scope",
      "allow = []\nconsent_channels = []\nmax_allowed_scope",
    );
    const server = serverOf(catalogOf(text), "s");
    expect([server.allow, server.consentChannels]).toEqual([[], []]);
    expect(server.tools.get("t")?.addsTaint).toEqual([]);
  });
});

describe("the other forms of a catalog", () => {
  it("a remote server has a url and headers from variables", () => {
    const text = SMALL_SERVER.replace(
      'command = ["node", "server.js"]',
      'url = "https://host.example:8443/mcp?a=b"\nheader_env = { Authorization = "GH_TOKEN" }',
    );
    expect(serverOf(catalogOf(text), "s")).toMatchObject({
      command: undefined,
      url: "https://host.example:8443/mcp?a=b",
      headerEnv: new Map([["Authorization", "GH_TOKEN"]]),
    });
  });

  it("of several accepted digests the first is the current one and the committed one", () => {
    const list = `fingerprint = ["${digestOf("t")}", "${digestOf("t2")}"]`;
    const text = SMALL_SERVER.replace(`fingerprint = "${digestOf("t")}"`, list);
    const server = serverOf(catalogOf(text), "s");
    expect(server.tools.get("t")?.fingerprints).toEqual([digestOf("t"), digestOf("t2")]);
    expect(server.fingerprint).toBe(serverOf(catalogOf(SMALL_SERVER), "s").fingerprint);
  });

  it("line ends may be CRLF, and keys may be dotted or inline", () => {
    const crlf = sealed(EXAMPLE).replaceAll("\n", "\r\n");
    expect(parseCatalog(bytesOf(crlf))).toEqual(parseCatalog(bytesOf(sealed(EXAMPLE))));
    const inline = `${HEAD}[servers]
s.command = ["node", "server.js"]
s.fingerprint = "@FP@"
s.max_allowed_scope = ["fs.read"]
s.tools.t = { fingerprint = "${digestOf("t")}", scope = ["fs.read"], effect = "read" }
`;
    expect(parseCatalog(catalogOf(inline, ""))).toEqual(parseCatalog(catalogOf(SMALL_SERVER)));
  });

  it("keys of other objects are ordinary names of tools", () => {
    const text = `${SMALL_SERVER}[servers.s.tools.constructor]
fingerprint = "${digestOf("c")}"
scope = ["fs.read"]
effect = "read"
[servers.s.tools.__proto__]
fingerprint = "${digestOf("p")}"
scope = ["fs.read"]
effect = "read"
`;
    const { tools } = serverOf(catalogOf(text), "s");
    expect([...tools.keys()]).toEqual(["t", "constructor", "__proto__"]);
    expect(tools.get("__proto__")?.fingerprints).toEqual([digestOf("p")]);
    expect(tools.get("toString")).toBeUndefined();
  });

  it("every condition of a rule is read, one value standing for a list of one", () => {
    const text = `${SMALL_SERVER}[[rules]]
id = "all"
then = "ask_user"
[rules.when]
server = "s"
tool = ["t", "elsewhere"]
effect = ["write", "external"]
scope = "fs.read"
principal = ["agent:*", "local"]
taint_all = ["untrusted", "private"]
taint_any = ["secret"]
vetting_at_least = "medium"
state_changing = true
lease = false
consent = false
`;
    expect(parseCatalog(catalogOf(text)).rules[0]?.when).toEqual({
      server: ["s"],
      tool: ["t", "elsewhere"],
      effect: ["write", "external"],
      scope: ["fs.read"],
      principal: ["agent:*", "local"],
      taintAll: ["untrusted", "private"],
      taintAny: ["secret"],
      vettingAtLeast: "medium",
      stateChanging: true,
      lease: false,
      consent: false,
    });
  });

  it("every argument predicate is read", () => {
    const args = `"/path" = { under = ["/workspace/", "C:\\\\Users\\\\me", "/"], max_length = 0 }
"/url" = { host = ["API.example.com", "*.example.org"] }
"/old" = { host = "a.example", scheme = ["http", "https"] }
"/list/*/a~1b" = { one_of = ["x", 1, true], prefix = "x" }
"/n" = { min = -1.5, max = 9007199254740991 }
"/gone" = { absent = true }`;
    const bytes = exampleWith(
      '"/path" = { under = ["/workspace"] }     # argument constraints',
      args,
    );
    const tool = serverOf(bytes, "filesystem").tools.get("read_text_file");
    expect(tool?.args).toEqual(
      new Map<string, unknown>([
        ["/path", { under: ["/workspace", "C:\\Users\\me", "/"], maxLength: 0 }],
        ["/url", { host: ["api.example.com", "*.example.org"], scheme: ["https"] }],
        ["/old", { host: ["a.example"], scheme: ["http", "https"] }],
        ["/list/*/a~1b", { oneOf: ["x", 1, true], prefix: ["x"] }],
        ["/n", { min: -1.5, max: 9007199254740991 }],
        ["/gone", { absent: true }],
      ]),
    );
  });
});
