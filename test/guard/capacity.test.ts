// B11: a guard with 100 000 tools decides as one with ten. A guard whose tables overflow, or that
// keeps only the first so many, lets the rest through or blocks what was pinned.
import { describe, expect, it } from "vitest";
import { LIMIT_IMAGE_ITEMS } from "../../src/abi/limits.ts";
import { compileImage } from "../../src/catalog/compile.ts";
import type { Catalog, CatalogItem, CatalogServer } from "../../src/catalog/types.ts";
import { GuardError } from "../../src/errors.ts";
import { ScopeGuard } from "../../src/guard/scope-guard.ts";
import { Validator } from "../../src/guard/validator.ts";
import { readManifest } from "../../src/manifest/read.ts";
import { openOracleCatalog } from "../fixtures/oracle-catalog.ts";

const COUNT = 100_000;
const EXPIRES_MS = 1_800_000_000_000;

describe("capacity", () => {
  it("B11: each of 100 000 tools is found, and nothing else is", async () => {
    const definitions = Array.from({ length: COUNT }, (_, index) => `{"name":"tool_${index}"}`);
    const listing = `{"tools":[${definitions.join(",")}]}`;
    const items = readManifest(listing).tools.map(({ name = "", fingerprint = "" }) => ({
      kind: "tool" as const,
      name,
      fingerprints: [fingerprint],
      scope: ["fs.read"],
    }));
    const server = { id: "big", operatorVerified: true, onDrift: "block-tool" as const, items };
    const catalog = await openOracleCatalog({
      expiresMs: EXPIRES_MS,
      operatorScopes: [],
      servers: [server],
    });
    const guard = ScopeGuard.fromCatalog(catalog, { clock: () => EXPIRES_MS - 1 });
    const validator = new Validator(catalog);
    const drifted = listing.replace('{"name":"tool_99999"}', '{"name":"tool_99999","x":1}');
    guard.admit(validator.validate("big", drifted));
    const reason = (tool: string): string => guard.check({ server: "big", tool }).reason;
    for (let index = 0; index < COUNT - 1; index += 1) {
      if (reason(`tool_${index}`) !== "allowed") expect.fail(`tool_${index}`);
    }
    expect(reason("tool_99999")).toBe("fingerprint_drift");
    for (let index = COUNT; index < 2 * COUNT; index += 1) {
      if (reason(`tool_${index}`) !== "tool_smuggle") expect.fail(`tool_${index}`);
    }
  }, 120_000);

  it("an image holds 1 048 576 items and refuses one more with its own code", () => {
    const item = (index: number): CatalogItem => ({
      kind: "tool",
      name: index.toString(36),
      fingerprints: [`sha256:${"0".repeat(64)}`],
      scope: ["fs.read"],
      effect: "read",
      requires: [],
      addsTaint: [],
      stopsTaint: [],
      taintOutcome: "ask_user",
      vettingAccept: [],
      args: new Map(),
    });
    const tools = new Map<string, CatalogItem>();
    for (let index = 0; index < LIMIT_IMAGE_ITEMS; index++) tools.set(`${index}`, item(index));
    const server: CatalogServer = {
      id: "big",
      command: ["x"],
      url: undefined,
      headerEnv: new Map(),
      env: [],
      fingerprint: "",
      maxAllowedScope: ["fs.read"],
      operatorVerified: true,
      allow: ["tools"],
      methods: [],
      onDrift: "block-server",
      instructions: undefined,
      consentChannels: [],
      tools,
      prompts: new Map(),
      resources: new Map(),
      resourceTemplates: new Map(),
    };
    const catalog: Catalog = {
      id: "big",
      version: 1,
      issuedMs: 0,
      expiresMs: EXPIRES_MS,
      scopeBits: new Map([["fs.read", 0]]),
      taintBits: new Map(),
      scopes: new Map(),
      taints: new Map(),
      servers: new Map([["big", server]]),
      principals: undefined,
      rules: [],
    };
    const meta = { catalogSha256: new Uint8Array(32) };
    const image = compileImage(catalog, meta);
    expect(image.length).toBeGreaterThan(LIMIT_IMAGE_ITEMS * 64);
    tools.set("more", item(LIMIT_IMAGE_ITEMS));
    expect(() => compileImage(catalog, meta)).toThrow(GuardError);
    expect(() => compileImage(catalog, meta)).toThrow(
      expect.objectContaining({ code: "IMAGE_LIMIT" }),
    );
  }, 120_000);
});
