// Every limit of 10-catalog section 1 at the limit and at limit + 1.
import { describe, expect, it } from "vitest";
import * as limit from "../../src/abi/limits.ts";
import { parseCatalog } from "../../src/catalog/parse.ts";
import { bytesOf, catalogOf, digestOf, faultOf, HEAD, SMALL_SERVER } from "../fixtures/catalog.ts";
import { naiveServerFingerprint } from "../fixtures/naive-fingerprint.ts";

const schema = (path: string): unknown => ({ code: "CATALOG_SCHEMA", path });

function lines(count: number, line: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => line(index)).join("");
}

/** A small catalog whose one item of `table` is called `name`. */
function itemCalled(table: string, name: string): Uint8Array {
  const key = `[servers.s.${table}.${JSON.stringify(name)}]`;
  return catalogOf(SMALL_SERVER.replace("[servers.s.tools.t]", key));
}

describe("a catalog of", () => {
  it("32 MiB is read, one byte more is not", () => {
    const head = bytesOf(`${HEAD}#`);
    const bytes = new Uint8Array(limit.LIMIT_CATALOG_BYTES + 1).fill(0x20);
    bytes.set(head);
    expect(parseCatalog(bytes.subarray(0, limit.LIMIT_CATALOG_BYTES)).version).toBe(7);
    const fault = faultOf(() => parseCatalog(bytes));
    expect(fault).toEqual({ code: "CATALOG_LIMIT", path: undefined });
  });

  it("65 536 servers is read, one more is not", () => {
    const none = { tools: new Map(), prompts: new Map(), resources: new Map() };
    const fingerprint = naiveServerFingerprint({
      ...none,
      resourceTemplates: new Map(),
      instructions: undefined,
    });
    const server = (index: number): string =>
      `s${index}={command=["x"],fingerprint="${fingerprint}",max_allowed_scope=[]}\n`;
    const text = `${HEAD}[servers]\n${lines(limit.LIMIT_SERVERS, server)}`;
    expect(parseCatalog(bytesOf(text)).servers.size).toBe(limit.LIMIT_SERVERS);
    const fault = faultOf(() => parseCatalog(bytesOf(text + server(limit.LIMIT_SERVERS))));
    expect(fault).toEqual(schema("servers"));
  });

  it("131 072 items of all kinds is read, one more is not", () => {
    const item = `{fingerprint="${digestOf("x")}",scope=["fs.read"],effect="read"}`;
    const count = limit.LIMIT_CATALOG_TOOLS - 2; // beside SMALL_SERVER's tool and one prompt
    const prompt = `[servers.s.prompts]\np=${item}\n`;
    const more = (size: number): Uint8Array => {
      const names = Array.from({ length: size }, (_, index) => `x${index}`);
      const fingerprint = naiveServerFingerprint({
        tools: new Map(names.map((name) => [name, digestOf("x")])),
        prompts: new Map(),
        resources: new Map(),
        resourceTemplates: new Map(),
        instructions: undefined,
      });
      const head = `[servers.b]\nurl="http://h"\nfingerprint="${fingerprint}"\n`;
      const body = names.map((name) => `${name}=${item}\n`).join("");
      const rest = `${head}max_allowed_scope=["fs.read"]\n[servers.b.tools]\n${body}`;
      return bytesOf(new TextDecoder().decode(catalogOf(SMALL_SERVER + prompt)) + rest);
    };
    expect(parseCatalog(more(count)).servers.get("b")?.tools.size).toBe(count);
    expect(faultOf(() => parseCatalog(more(count + 1)))).toEqual(schema("servers"));
  });

  it("4 096 rules is read, one more is not", () => {
    const rule = (index: number): string =>
      `[[rules]]\nid = "r${index}"\nwhen = { lease = false }\nthen = "deny"\n`;
    const text = lines(limit.LIMIT_RULES, rule);
    expect(parseCatalog(catalogOf(text)).rules).toHaveLength(limit.LIMIT_RULES);
    const fault = faultOf(() => parseCatalog(catalogOf(text + rule(limit.LIMIT_RULES))));
    expect(fault).toEqual(schema("rules"));
  });

  it.each([
    ["scopes", limit.LIMIT_SCOPES, 16],
    ["taints", limit.LIMIT_TAINTS, 3],
  ])("as many %s as there are bits is read, one more is not", (table, bits, builtIn) => {
    const name = (index: number): string => `n${index} = ""\n`;
    const text = `[${table}]\n${lines(bits - builtIn, name)}`;
    const catalog = parseCatalog(catalogOf(text));
    expect(table === "scopes" ? catalog.scopeBits.size : catalog.taintBits.size).toBe(bits);
    expect(faultOf(() => parseCatalog(catalogOf(text + name(bits))))).toEqual(schema(table));
  });
});

describe("names as long as they may be, and one byte longer", () => {
  it.each([
    ["tools", limit.LIMIT_NAME_BYTES],
    ["prompts", limit.LIMIT_NAME_BYTES],
    ["resources", limit.LIMIT_URI_BYTES],
    ["resource_templates", limit.LIMIT_URI_BYTES],
  ])("%s: %d utf-8 bytes", (table, size) => {
    const name = "é".repeat(size / 2);
    expect(parseCatalog(itemCalled(table, name)).servers.size).toBe(1);
    const fault = faultOf(() => parseCatalog(itemCalled(table, `${name}a`)));
    expect(fault).toMatchObject({ code: "CATALOG_SCHEMA" });
    expect(parseCatalog(itemCalled(table, "a".repeat(size))).servers.size).toBe(1);
    const ascii = faultOf(() => parseCatalog(itemCalled(table, "a".repeat(size + 1))));
    expect(ascii).toMatchObject({ code: "CATALOG_SCHEMA" });
  });

  it("server ids: 64", () => {
    const id = "a".repeat(limit.LIMIT_SERVER_ID_BYTES);
    const text = SMALL_SERVER.replaceAll("servers.s", `servers.${id}`);
    expect(parseCatalog(catalogOf(text)).servers.has(id)).toBe(true);
    const fault = faultOf(() => parseCatalog(catalogOf(text.replaceAll(id, `${id}b`))));
    expect(fault).toEqual(schema(`servers.${id}b`));
  });

  it("scope and label names: 64; version: 2^53 - 1", () => {
    const name = "a".repeat(64);
    const catalog = parseCatalog(catalogOf(`[scopes]\n${name} = ""\n[taints]\n${name} = ""\n`));
    expect([catalog.scopeBits.get(name), catalog.taintBits.get(name)]).toEqual([16, 3]);
    const head = HEAD.replace("version = 7", "version = 9007199254740991");
    expect(parseCatalog(catalogOf("", head)).version).toBe(Number.MAX_SAFE_INTEGER);
  });
});
