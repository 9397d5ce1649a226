// Rules, principals and lists in the image: deterministic, and validated whole.
import { beforeAll, describe, expect, it } from "vitest";
import * as layout from "../../src/abi/layout.ts";
import { LIMIT_IMAGE_LIST_WORDS, LIMIT_RULES } from "../../src/abi/limits.ts";
import { utf8 } from "../../src/bytes.ts";
import { compileImage } from "../../src/catalog/compile.ts";
import { IndexLists } from "../../src/catalog/index-lists.ts";
import { parseCatalog } from "../../src/catalog/parse.ts";
import { GuardError } from "../../src/errors.ts";
import { sha256 } from "../../src/kernel/digest.ts";
import { loadImage } from "../../src/kernel/image-kernel.ts";
import {
  type PolicyCatalog,
  type PolicyRule,
  policyCatalogText,
} from "../oracle/decide-catalog.ts";
import { EXPIRES_MS } from "../oracle/generate-policy.ts";

const TOOL = {
  kind: "tool",
  fingerprints: [`sha256:${"ab".repeat(32)}`],
  scope: ["fs.read"],
  effect: "read",
  requires: [],
  addsTaint: [],
  stopsTaint: [],
  taintOutcome: "deny",
} as const;

const RULES: readonly PolicyRule[] = [
  { id: "a", when: { tool: ["read", "nowhere"], lease: false }, outcome: "deny" },
  { id: "b", when: { server: ["git", "files"], consent: true }, outcome: "ask_user" },
  { id: "c", when: { principal: ["agent:*", "bob"], scope: ["fs.read"] }, outcome: "dry_run" },
  { id: "d", when: { tool: ["nowhere"], effect: ["read"] }, outcome: "deny" },
  { id: "e", when: { taint_all: ["secret"], vetting_at_least: "low" }, outcome: "deny" },
];

const CATALOG: PolicyCatalog = {
  expiresMs: EXPIRES_MS,
  operatorScopes: [],
  operatorTaints: [],
  servers: [
    { id: "git", operatorVerified: true, items: [{ ...TOOL, name: "read" }] },
    {
      id: "files",
      operatorVerified: true,
      items: [
        { ...TOOL, name: "read" },
        { ...TOOL, name: "write" },
      ],
    },
  ],
  principals: [
    { pattern: "agent:research-*", scope: ["fs.read"], servers: ["git"] },
    { pattern: "agent:r*", servers: [] },
  ],
  rules: RULES,
};

function imageOf(catalog: PolicyCatalog): Uint8Array<ArrayBuffer> {
  const text = utf8(policyCatalogText(catalog));
  return compileImage(parseCatalog(text), { catalogSha256: sha256(text) });
}

function refusal(image: Uint8Array): string | undefined {
  try {
    loadImage(image, 64);
    return undefined;
  } catch (error) {
    if (!(error instanceof GuardError)) throw error;
    expect(error.code).toBe("IMAGE_INVALID");
    return error.message;
  }
}

let image: Uint8Array<ArrayBuffer>;
let at: { readonly principals: number; readonly rules: number; readonly lists: number };
beforeAll(() => {
  image = imageOf(CATALOG);
  const view = new DataView(image.buffer);
  at = {
    principals: view.getUint32(layout.HEADER_OFFSET_PRINCIPALS_AT, true),
    rules: view.getUint32(layout.HEADER_OFFSET_RULES_AT, true),
    lists: view.getUint32(layout.HEADER_OFFSET_LISTS_AT, true),
  };
});

/** The image with `bytes` at `offset`, and the right digest. */
function forged(offset: number, ...bytes: readonly number[]): Uint8Array<ArrayBuffer> {
  const changed = image.slice();
  changed.set(bytes, offset);
  changed.fill(0, layout.HEADER_OFFSET_IMAGE_SHA256, layout.HEADER_OFFSET_IMAGE_SHA256 + 32);
  changed.set(sha256(changed), layout.HEADER_OFFSET_IMAGE_SHA256);
  return changed;
}

const BAD_PRINCIPAL = "expected sound principal rows";
const BAD_RULE = "expected sound rules";
const BAD_LAYOUT = "expected sections in order and within the image";

describe("policy in the image", () => {
  it("is the same bytes for the same catalog, and equal lists stand once", () => {
    expect(Buffer.compare(image, imageOf(CATALOG))).toBe(0);
    expect(refusal(image)).toBeUndefined();
    const count = (text: PolicyCatalog): number =>
      new DataView(imageOf(text).buffer).getUint32(layout.HEADER_OFFSET_LIST_COUNT, true);
    const again = RULES.map((rule) => ({ ...rule, id: `${rule.id}-again` }));
    const twice = { ...CATALOG, rules: [...RULES, ...again] };
    // servers of the first principal, items called read, both servers, covered principals
    expect(count(CATALOG)).toBe(1 + 2 + 2 + 4);
    expect(count(twice)).toBe(count(CATALOG));
  });

  it("is refused after any bit of it was flipped, every fifth one tried", () => {
    const end = at.lists + 9 * 4;
    for (let bit = at.principals * 8; bit < end * 8; bit += 5) {
      const changed = image.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      if (refusal(changed) === undefined) expect.fail(`bit ${bit} went unnoticed`);
    }
  });

  it("forged principal rows with a valid digest are refused", () => {
    // rows: agent:*, agent:r*, agent:research-*, bob; only the second and third are declared
    const row = (index: number): number => at.principals + index * layout.PRINCIPAL_SIZE;
    const { PRINCIPAL_OFFSET_CAP: cap, PRINCIPAL_OFFSET_SERVERS_FIRST: first } = layout;
    const cases: readonly (readonly [number, ...number[]])[] = [
      [row(0), layout.PRINCIPAL_FLAGS_ALL + 1],
      [row(0), layout.PRINCIPAL_FLAG_CAP],
      [row(0), layout.PRINCIPAL_FLAG_SERVERS],
      [row(0) + layout.PRINCIPAL_OFFSET_RESERVED, 1],
      [row(0) + cap, 1],
      [row(0) + cap + 15, 128],
      [row(0) + first + 4, 1],
      [row(1) + first, 1],
      [row(2) + first, 1],
      [row(2) + first + 4, 200],
      [row(2) + first, 255, 255, 255, 255],
      [row(2) + first + 4, 255, 255, 255, 255],
    ];
    for (const [offset, ...bytes] of cases) {
      expect(refusal(forged(offset, ...bytes)), `${bytes} at ${offset}`).toBe(BAD_PRINCIPAL);
    }
    // an index of a server that is not there, and one that is
    expect(refusal(forged(at.lists, 2))).toBe(BAD_PRINCIPAL);
    expect(refusal(forged(at.lists, 0))).toBeUndefined();
    // without the table in the catalog nobody is declared
    expect(refusal(forged(layout.HEADER_OFFSET_FLAGS, 0))).toBe(BAD_PRINCIPAL);
  });

  it("forged rules with a valid digest are refused", () => {
    const rule = (index: number): number => at.rules + index * layout.RULE_SIZE;
    const cases: readonly (readonly [number, ...number[]])[] = [
      // an allow is no outcome of a rule
      [rule(0) + layout.RULE_OFFSET_OUTCOME, 1],
      [rule(0) + layout.RULE_OFFSET_OUTCOME, 4],
      [rule(0) + layout.RULE_OFFSET_FLAGS, layout.RULE_FLAGS_ALL + 1],
      [rule(0) + layout.RULE_OFFSET_FLAGS, 0],
      [rule(0) + layout.RULE_OFFSET_EFFECTS, 0],
      [rule(0) + layout.RULE_OFFSET_EFFECTS, layout.EFFECTS_ALL + 1],
      [rule(0) + layout.RULE_OFFSET_EFFECTS, 32],
      [rule(0) + layout.RULE_OFFSET_VETTING, 5],
      [rule(0) + layout.RULE_OFFSET_FACTS_TRUE, layout.RULE_FACTS_ALL + 1],
      [rule(0) + layout.RULE_OFFSET_FACTS_FALSE, layout.RULE_FACTS_ALL + 1],
      [rule(0) + layout.RULE_OFFSET_FACTS_TRUE, layout.RULE_FACT_LEASE],
      [rule(0) + layout.RULE_OFFSET_RESERVED, 1],
      [rule(0) + layout.RULE_OFFSET_RESERVED_END, 1],
      [rule(0) + layout.RULE_OFFSET_RESERVED_END + 7, 1],
      [rule(0) + layout.RULE_OFFSET_ITEMS_COUNT, 1],
      [rule(0) + layout.RULE_OFFSET_ITEMS_FIRST, 2],
      [rule(3) + layout.RULE_OFFSET_ITEMS_FIRST, 1],
      [rule(4) + layout.RULE_OFFSET_SERVERS_COUNT, 1],
      [rule(4) + layout.RULE_OFFSET_PRINCIPALS_COUNT, 1],
      // lists: not ascending; twice the same; no such item, server or row
      [at.lists + 4, 2, 0, 0, 0, 0],
      [at.lists + 4, 1, 0, 0, 0, 1],
      [at.lists + 8, 3],
      [at.lists + 16, 2],
      [at.lists + 32, 4],
    ];
    for (const [offset, ...bytes] of cases) {
      expect(refusal(forged(offset, ...bytes)), `${bytes} at ${offset}`).toBe(BAD_RULE);
    }
    // control: other numbers that are fine
    expect(refusal(forged(rule(0) + layout.RULE_OFFSET_OUTCOME, 2))).toBeUndefined();
    expect(refusal(forged(rule(0) + layout.RULE_OFFSET_VETTING, 4))).toBeUndefined();
    expect(refusal(forged(at.lists + 32, 3))).toBeUndefined();
  });

  it("a forged header is refused: sections elsewhere, more rules than 4 096, unused bits", () => {
    for (const offset of [
      layout.HEADER_OFFSET_PRINCIPAL_COUNT,
      layout.HEADER_OFFSET_RULE_COUNT,
      layout.HEADER_OFFSET_PRINCIPALS_AT,
      layout.HEADER_OFFSET_RULES_AT,
      layout.HEADER_OFFSET_LISTS_AT,
      layout.HEADER_OFFSET_RESERVED,
      layout.HEADER_OFFSET_RESERVED + 4,
    ]) {
      expect(refusal(forged(offset, 255, 0, 0, 0)), `at ${offset}`).toBe(BAD_LAYOUT);
      expect(refusal(forged(offset, 255, 255, 255, 255)), `at ${offset}`).toBe(BAD_LAYOUT);
    }
    expect(refusal(forged(layout.HEADER_OFFSET_FLAGS, 2))).toBe(BAD_LAYOUT);
    // a word too many in the lists' padding: no table uses it
    expect(refusal(forged(layout.HEADER_OFFSET_LIST_COUNT, 10))).toBe(BAD_RULE);
    expect(refusal(forged(layout.HEADER_OFFSET_LIST_COUNT, 8))).toBe(BAD_RULE);
  });

  it("as many rules as the limit are loaded, and one more is refused", () => {
    const rules = (count: number): readonly PolicyRule[] =>
      Array.from({ length: count }, (_, index) => ({
        id: `r${index}`,
        when: { state_changing: true },
        outcome: "deny",
      }));
    expect(refusal(imageOf({ ...CATALOG, rules: rules(LIMIT_RULES) }))).toBeUndefined();
    const catalog = parseCatalog(utf8(policyCatalogText({ ...CATALOG, rules: rules(2) })));
    const [one] = catalog.rules;
    if (one === undefined) throw new Error("expected a rule");
    const tooMany = { ...catalog, rules: Array.from({ length: LIMIT_RULES + 1 }, () => one) };
    const compile = (): unknown => compileImage(tooMany, { catalogSha256: new Uint8Array(32) });
    expect(compile).toThrow(GuardError);
    expect(compile).toThrow(`compiled image refused: ${layout.IMAGE_BAD_LAYOUT}`);
  });
});

describe("lists of an image", () => {
  it("hold as many words as the limit, and not one more", () => {
    const lists = new IndexLists();
    const count = 1 << 20;
    const indices = Array.from({ length: count }, (_, index) => index);
    for (let part = 0; part < LIMIT_IMAGE_LIST_WORDS / count; part++) {
      expect(lists.add(`${part}`, () => indices)).toEqual({ first: part * count, count });
    }
    expect(lists.size).toBe(LIMIT_IMAGE_LIST_WORDS);
    expect(lists.add("0", () => [1])).toEqual({ first: 0, count });
    expect(lists.add("none", () => [])).toEqual({ first: 0, count: 0 });
    const more = (): unknown => lists.add("more", () => [7]);
    expect(more).toThrow(GuardError);
    expect(more).toThrow("expected at most 16777216 words in the lists of rules and principals");
  });
});
