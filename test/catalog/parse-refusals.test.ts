// Every rule of 10-catalog section 1, broken once.
import { describe, expect, it } from "vitest";
import { parseCatalog } from "../../src/catalog/parse.ts";
import { GuardError } from "../../src/errors.ts";
import {
  bytesOf,
  catalogOf,
  digestOf,
  EXAMPLE,
  exampleWith,
  faultOf,
  HEAD,
  SMALL_SERVER,
  sealed,
} from "../fixtures/catalog.ts";
import { naiveInstructionsDigest } from "../fixtures/naive-fingerprint.ts";
import {
  ARG_ROWS,
  HEAD_ROWS,
  ITEM_ROWS,
  MISSING,
  NAME_ROWS,
  READ_SCOPE,
  RULE_ROWS,
  SERVER_ROWS,
  UNKNOWN_KEYS,
} from "./refusal-rows.ts";

describe.each([
  ["an unknown key is refused:", UNKNOWN_KEYS],
  ["what is required and missing is refused:", MISSING],
  ["the head refuses", HEAD_ROWS],
  ["names: refused is", NAME_ROWS],
  ["a server refuses", SERVER_ROWS],
  ["an item refuses", ITEM_ROWS],
  ["argument constraints refuse", ARG_ROWS],
  ["rules and principals refuse", RULE_ROWS],
])("%s", (_, rows) => {
  it.each(rows)("%s", (_title, from, to, path) => {
    const bytes = exampleWith(from, to);
    expect(faultOf(() => parseCatalog(bytes))).toEqual({ code: "CATALOG_SCHEMA", path });
  });
});

function messageOf(bytes: Uint8Array): string {
  try {
    parseCatalog(bytes);
  } catch (error) {
    if (error instanceof GuardError) return error.message;
  }
  return "";
}

describe("refusals that need more than one change", () => {
  const refusal = (rest: string): unknown => faultOf(() => parseCatalog(catalogOf(rest)));

  it("two server ids that differ in ASCII case only", () => {
    const other = SMALL_SERVER.replaceAll("servers.s", "servers.S");
    expect(refusal(SMALL_SERVER + other)).toEqual({ code: "CATALOG_SCHEMA", path: "servers.S" });
  });

  it("two rules of one id", () => {
    const rule = '[[rules]]\nid = "a"\nwhen = { lease = false }\nthen = "deny"\n';
    expect(refusal(rule + rule)).toEqual({ code: "CATALOG_SCHEMA", path: "rules[1].id" });
  });

  it("one header under two spellings", () => {
    const url = 'url = "https://h"\nheader_env = { Key = "A", KEY = "B" }';
    const text = SMALL_SERVER.replace('command = ["node", "server.js"]', url);
    const path = "servers.s.header_env.KEY";
    expect(refusal(text)).toEqual({ code: "CATALOG_SCHEMA", path });
  });

  it("a header whose variable is no name, without quoting what may be a secret", () => {
    const url = 'url = "https://h"\nheader_env = { Key = "Bearer hunter2=" }';
    const text = SMALL_SERVER.replace('command = ["node", "server.js"]', url);
    expect(messageOf(catalogOf(text))).toBe(
      "expected the name of an environment variable, got another text",
    );
  });

  it.each([
    ["a variable beside a url", 'url = "https://h"\nenv = ["A"]', "env"],
    ["another scheme", 'url = "ftp://h/"', "url"],
    ["a relative url", 'url = "/mcp"', "url"],
    ["a url with a blank", 'url = "https://h/a b"', "url"],
    ["a url with a fragment", 'url = "https://h/#a"', "url"],
    ["a url with an empty fragment", 'url = "https://h/#"', "url"],
    ["a url with a backslash", 'url = "https:\\\\\\\\h"', "url"],
    ["a url with a password", 'url = "https://u:p@h/"', "url"],
    [
      "a header that is no token",
      'url = "https://h"\nheader_env = { "a b" = "A" }',
      'header_env."a b"',
    ],
  ])("%s", (_, lines, path) => {
    const text = SMALL_SERVER.replace('command = ["node", "server.js"]', lines);
    expect(refusal(text)).toEqual({ code: "CATALOG_SCHEMA", path: `servers.s.${path}` });
  });

  it.each(["scopes", "taints", "servers", "principals", "rules"])("%s that is text", (key) => {
    const bytes = catalogOf(`${key} = "x"\n`);
    expect(faultOf(() => parseCatalog(bytes))).toEqual({ code: "CATALOG_SCHEMA", path: key });
  });

  it.each(["tools", "prompts", "resources", "resource_templates"])("%s that are a list", (key) => {
    const text = SMALL_SERVER.slice(0, SMALL_SERVER.indexOf("[servers.s.tools"));
    const path = `servers.s.${key}`;
    expect(refusal(`${text}${key} = []\n`)).toEqual({ code: "CATALOG_SCHEMA", path });
  });

  it("a tool that is text", () => {
    const text = SMALL_SERVER.slice(0, SMALL_SERVER.indexOf("[servers.s.tools"));
    const fault = refusal(`${text}tools.t = "${digestOf("t")}"\n`);
    expect(fault).toEqual({ code: "CATALOG_SCHEMA", path: "servers.s.tools.t" });
  });
});

describe("the server's commitment", () => {
  const refusal = (text: string): unknown => faultOf(() => parseCatalog(bytesOf(text)));
  const mismatch = { code: "CATALOG_FINGERPRINT", path: "servers.filesystem.fingerprint" };

  it.each([
    ["a tool's digest", digestOf("read_text_file"), digestOf("other")],
    ["a prompt's digest", digestOf("summarise"), digestOf("other")],
    ["a resource's name", "README.md", "README.txt"],
    ["a template's name", "{name}", "{file}"],
    ["the instructions", /instructions = "[^"]*"\n/.exec(EXAMPLE)?.[0] ?? "", ""],
    ["a tool's name", "read_text_file", "read_text_fil"],
  ])("changing %s without pinning again is refused", (_, from, to) => {
    const text = sealed(EXAMPLE);
    expect(text).toContain(from);
    expect(refusal(text.replaceAll(from, () => to))).toEqual(mismatch);
  });

  it("is the worked vector of the design page", () => {
    const item = (name: string, digest: string): string =>
      `[servers.s.tools.${name}]\nfingerprint = "sha256:${digest}"\nscope = ["exec"]\neffect = "read"\n`;
    const text = `${HEAD}[servers.s]
command = ["x"]
fingerprint = "sha256:cbb2dcf23401d92f547db5fd17febec091dada4d49ed429c15d2a235e9befe71"
instructions = "sha256:65e0ad7652160a21848130343046d596bdea0fed82fe598df5fd08e1ff5771d6"
max_allowed_scope = ["exec"]
${item("b", "4a5be628e60b3d447fa0ffec51d38748e32fde74ac89dc8220ae5fb1598c7fa3")}
${item("a", "4c49f9bcfbf98faa274eed625a4252c609b7f09f1e60419ca503e3533125724a")}`;
    expect(refusal(text)).toBeUndefined();
    expect(refusal(text.replace("cbb2", "cbb3"))).toMatchObject({ code: "CATALOG_FINGERPRINT" });
  });

  it("pinned instructions are committed to; the digest of none is the same as none", () => {
    const text = sealed(`${HEAD}${SMALL_SERVER}`);
    const pinned = (digest: string): string =>
      text.replace("max_allowed", `instructions = "${digest}"\nmax_allowed`);
    expect(refusal(pinned(naiveInstructionsDigest("")))).toBeUndefined();
    const other = refusal(pinned(naiveInstructionsDigest(" ")));
    expect(other).toEqual({ code: "CATALOG_FINGERPRINT", path: "servers.s.fingerprint" });
  });
});

describe("messages", () => {
  it("say what was expected and what was got, without hidden characters", () => {
    const bytes = exampleWith(READ_SCOPE, 'scope = ["fs.re\\u202Ead"] #');
    expect(messageOf(bytes)).toBe(
      "expected a built-in scope or one of [scopes], got `fs.re\\u{202e}ad`",
    );
  });
});
