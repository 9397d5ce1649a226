import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toHex } from "../../src/bytes.ts";
import { compileImage } from "../../src/catalog/compile.ts";
import { BUILT_IN_SCOPES } from "../../src/catalog/scope-names.ts";
import { admitReport } from "../../src/guard/admit.ts";
import { BoundServer } from "../../src/guard/bound-server.ts";
import { GuardKernel } from "../../src/guard/guard-kernel.ts";
import {
  buildServerCard,
  isServerCard,
  type ServerCard,
  type ServerCardOptions,
} from "../../src/guard/server-card.ts";
import {
  CARDS_EXPIRE_MS,
  LIMIT_SERVER_CARDS,
  serverCardsCatalog,
  serverCardsSha256,
} from "../../src/guard/server-cards-catalog.ts";
import { fingerprintManifest, fingerprintTool } from "../../src/manifest/fingerprint.ts";
import { readManifest } from "../../src/manifest/read.ts";
import { expectCode } from "../fixtures/trust.ts";

const READ = { name: "read_file", inputSchema: { type: "object" }, _meta: { unknown: [1] } };
const WRITE = { name: "write_file", inputSchema: { type: "object" } };
const NOW = 1_800_000_000_000;

function cardOf(changes: Partial<ServerCardOptions> = {}): ServerCard {
  const base = { serverId: "filesystem", tools: [READ, WRITE], operatorVerified: true };
  return buildServerCard({ ...base, clock: () => NOW, ...changes });
}

describe("buildServerCard", () => {
  it("fingerprints every definition whole, from an array or from a tools/list result", () => {
    const card = cardOf();
    expect(card.tools.map(({ name, fingerprint }) => [name, fingerprint])).toEqual([
      ["read_file", fingerprintTool(READ)],
      ["write_file", fingerprintTool(WRITE)],
    ]);
    expect(card.fingerprint).toBe(fingerprintManifest([READ, WRITE]));
    expect(card.registeredAt).toBe("2027-01-15T08:00:00.000Z");
    for (const tools of [{ tools: [READ, WRITE] }, JSON.stringify({ tools: [READ, WRITE] })]) {
      expect(cardOf({ tools })).toEqual(card);
    }
  });

  it("the manifest digest is the tools root of the published worked vector", () => {
    const tools = [
      '{"name":"b","inputSchema":{"type":"object"}}',
      '{"inputSchema":{"type":"object"},"name":"a","description":"\\u00e9"}',
    ];
    const card = cardOf({ tools: `[${tools.join(",")}]`, instructions: "hi" });
    expect(card.toolManifestDigest).toBe(
      "sha256:41fe4482ef0c79d5924e63849113d35c031ab6dc2f40c8469f2ba84469dd4d2f",
    );
    expect(card.fingerprint).toBe(
      "sha256:cbb2dcf23401d92f547db5fd17febec091dada4d49ed429c15d2a235e9befe71",
    );
  });

  it("a server that changes the object it handed over changes nothing of the card", () => {
    const tool = { name: "read_file", inputSchema: { type: "object" } };
    const card = cardOf({ tools: [tool] });
    const before = JSON.stringify(card);
    tool.inputSchema.type = "array";
    expect(JSON.stringify(card)).toBe(before);
    const definition = card.tools[0]?.definition ?? {};
    expect(Object.isFrozen(Reflect.get(definition, "inputSchema"))).toBe(true);
    expect(Object.isFrozen(card)).toBe(true);
    expect(Object.isFrozen(card.tools[0])).toBe(true);
  });

  it("what nobody said is the strict side: not verified, no instructions, the whole server", () => {
    expect(buildServerCard({ serverId: "s", tools: [] })).toMatchObject({
      operatorVerified: false,
      instructions: undefined,
      onDrift: "block-server",
      tools: [],
    });
  });

  it("a copy of a card is no card", () => {
    const card = cardOf();
    expect(isServerCard(card)).toBe(true);
    expect(isServerCard({ ...card })).toBe(false);
    expect(isServerCard(new Proxy(card, {}))).toBe(false);
    expect(isServerCard(null)).toBe(false);
  });

  it.each<[string, object]>([
    ["no server id", { serverId: "" }],
    ["a server id with a slash", { serverId: "a/b" }],
    ["a first page only", { tools: { tools: [READ], nextCursor: "" } }],
    ["no listing", { tools: undefined }],
    ["a truthy operatorVerified", { operatorVerified: "yes" }],
    ["an unknown onDrift", { onDrift: "warn" }],
    ["instructions that are no text", { instructions: 1 }],
    ["instructions with a lone surrogate", { instructions: "\ud800" }],
    ["a broken clock", { clock: () => Number.NaN }],
  ])("refuses %s", (_, changes) => {
    const options = { serverId: "s", tools: [READ], ...changes };
    expectCode(() => Reflect.apply(buildServerCard, undefined, [options]), "ARGUMENT_INVALID");
  });

  it("a listing with a definition that nobody can pin is refused, not shortened", () => {
    expectCode(() => cardOf({ tools: [READ, READ] }), "MANIFEST_INVALID");
    expectCode(() => cardOf({ tools: '[{"name":"a","name":"b"}]' }), "MANIFEST_INVALID");
    expectCode(() => cardOf({ tools: [{ inputSchema: {} }] }), "MANIFEST_INVALID");
    expectCode(() => cardOf({ tools: "no json" }), "MANIFEST_INVALID");
  });
});

/** The cards in a kernel; `decide` lists `live` for the server first. */
function boundTo(
  cards: readonly ServerCard[],
  id: string,
): { kernel: GuardKernel; server: BoundServer } {
  const catalog = serverCardsCatalog(cards);
  const image = compileImage(catalog, { catalogSha256: serverCardsSha256(cards) });
  const kernel = new GuardKernel(image, () => NOW, 1 << 20);
  return { kernel, server: new BoundServer(kernel, catalog, id) };
}

function admit(kernel: GuardKernel, serverId: string, live: readonly object[]): void {
  const items = readManifest(live).tools.map(({ kind, name, fingerprint, error }) => ({
    kind,
    name,
    fingerprint,
    error,
    reason: "",
    expected: [],
  }));
  const report = { serverId, ok: true, reason: "", items, fingerprint: undefined, missing: [] };
  admitReport(kernel, { ...report, instructions: "not_checked" });
}

describe("serverCardsCatalog", () => {
  it("its image closes the world in the same kernel as a signed catalog", () => {
    const { kernel, server } = boundTo([cardOf()], "filesystem");
    expect(server.check("read_file").reason).toBe("server_not_admitted");
    admit(kernel, "filesystem", [READ, WRITE]);
    expect(server.check("read_file").reason).toBe("allowed");
    expect(server.check("delete_file").reason).toBe("tool_smuggle");
    expect(boundTo([cardOf()], "other").server.check("read_file").reason).toBe("unknown_server");
  });

  it("a definition that differs from the card is drift, in members nobody knows too", () => {
    const drifted = [{ ...READ, _meta: { unknown: [2] } }, WRITE];
    const strict = boundTo([cardOf()], "filesystem");
    admit(strict.kernel, "filesystem", drifted);
    expect(strict.server.check("read_file").reason).toBe("fingerprint_drift");
    expect(strict.server.check("write_file").reason).toBe("server_not_admitted");
    const byTool = boundTo([cardOf({ onDrift: "block-tool" })], "filesystem");
    admit(byTool.kernel, "filesystem", drifted);
    expect(byTool.server.check("read_file").reason).toBe("fingerprint_drift");
    expect(byTool.server.check("write_file").reason).toBe("allowed");
  });

  it("a card that nobody verified asks a person about every call", () => {
    const { kernel, server } = boundTo([cardOf({ operatorVerified: false })], "filesystem");
    admit(kernel, "filesystem", [READ, WRITE]);
    expect(server.check("read_file")).toMatchObject({
      outcome: "ask_user",
      reason: "policy_review",
    });
  });

  it("any built-in scope may be requested of any tool, and results are untrusted", () => {
    const catalog = serverCardsCatalog([cardOf()]);
    const item = catalog.servers.get("filesystem")?.tools.get("write_file");
    expect(item).toMatchObject({
      scope: BUILT_IN_SCOPES,
      effect: "write",
      addsTaint: ["untrusted"],
      requires: [],
    });
    expect(catalog.servers.get("filesystem")).toMatchObject({ allow: ["tools"], methods: [] });
    expect(catalog.expiresMs).toBe(CARDS_EXPIRE_MS);
    const { kernel, server } = boundTo([cardOf()], "filesystem");
    admit(kernel, "filesystem", [READ, WRITE]);
    expect(
      new BoundServer(kernel, catalog, "filesystem").check("read_file", ["admin"]).reason,
    ).toBe("allowed");
    expect(server.check("read_file").reason).toBe("allowed");
  });

  it("look-alikes, two cards of one server, and ids that differ in case alone are refused", () => {
    const card = cardOf();
    expectCode(() => serverCardsCatalog([{ ...card }]), "ARGUMENT_INVALID");
    expectCode(() => serverCardsSha256([{ ...card }]), "ARGUMENT_INVALID");
    expectCode(() => serverCardsCatalog([card, cardOf()]), "ARGUMENT_INVALID");
    expectCode(
      () => serverCardsCatalog([card, cardOf({ serverId: "FileSystem" })]),
      "ARGUMENT_INVALID",
    );
    expectCode(() => Reflect.apply(serverCardsCatalog, undefined, ["x"]), "ARGUMENT_INVALID");
  });

  it("takes 4 096 cards and not one more", () => {
    const cards = Array.from({ length: LIMIT_SERVER_CARDS + 1 }, (_, index) =>
      buildServerCard({ serverId: `s${index}`, tools: "[]" }),
    );
    expect(serverCardsCatalog(cards.slice(1)).servers.size).toBe(LIMIT_SERVER_CARDS);
    expectCode(() => serverCardsCatalog(cards), "ARGUMENT_INVALID");
  });

  it("the digest does not depend on order, and on everything else that decides", () => {
    const other = cardOf({ serverId: "other" });
    const digest = (...cards: ServerCard[]): string => toHex(serverCardsSha256(cards));
    expect(digest(cardOf(), other)).toBe(digest(other, cardOf({ tools: [WRITE, READ] })));
    const changed: Partial<ServerCardOptions>[] = [
      { operatorVerified: false },
      { onDrift: "block-tool" },
      { instructions: "hi" },
      { tools: [READ] },
      { tools: [READ, { ...WRITE, title: "x" }] },
      { serverId: "filesystem2" },
    ];
    const seen = new Set([digest(cardOf()), ...changed.map((one) => digest(cardOf(one)))]);
    expect(seen.size).toBe(changed.length + 1);
  });

  it("names that look alike never share a digest", () => {
    const name = fc.string({ minLength: 1, maxLength: 8, unit: "grapheme-ascii" });
    fc.assert(
      fc.property(name, name, (a, b) => {
        const digestOf = (tool: string): string =>
          toHex(serverCardsSha256([cardOf({ tools: [{ name: tool, inputSchema: {} }] })]));
        expect(digestOf(a) === digestOf(b)).toBe(a === b);
      }),
      { numRuns: 50 },
    );
  });
});
