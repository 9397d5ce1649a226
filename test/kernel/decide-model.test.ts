// A small model, whole: two servers and three tools, and every combination of what a call can
// bring, against the oracle.
import { describe, expect, it } from "vitest";
import * as abi from "../../src/abi/frame.ts";
import { VERDICT_ALLOWED } from "../../src/abi/verdict.ts";
import { executeFrame } from "../../src/kernel/decide.ts";
import { decide, encodeDecision } from "../oracle/decide.ts";
import type { Effect, PolicyCatalog, PolicyItem, PolicyRule } from "../oracle/decide-catalog.ts";
import { addConsent, addLease, type FrameBuilder, fineFrame } from "../oracle/fine-frame.ts";
import { EXPIRES_MS } from "../oracle/generate-policy.ts";
import { difference } from "./decide-suite.ts";
import { policyImage } from "./policy-image.ts";

const EFFECTS: readonly Effect[] = ["read", "write", "destructive", "external"];
const REQUIRES: readonly PolicyItem["requires"][] = [
  [],
  ["lease"],
  ["consent"],
  ["lease", "consent"],
];
const STOPS = ["never", "ask_user", "deny"] as const;

const RULES: readonly PolicyRule[] = [
  { id: "leased", when: { effect: ["destructive"], lease: false }, outcome: "deny" },
  { id: "agreed", when: { effect: ["external"], consent: false }, outcome: "dry_run" },
  { id: "clean", when: { taint_any: ["private", "secret"] }, outcome: "ask_user" },
  { id: "quiet", when: { vetting_at_least: "medium", state_changing: true }, outcome: "ask_user" },
  { id: "known", when: { principal: ["agent:*"], scope: ["net.send"] }, outcome: "deny" },
  { id: "files", when: { server: ["files"], tool: ["other"] }, outcome: "dry_run" },
];

function catalogOf(
  effect: Effect,
  requires: PolicyItem["requires"],
  stops: (typeof STOPS)[number],
): PolicyCatalog {
  const tool = (name: string, changes: Partial<PolicyItem>): PolicyItem => ({
    kind: "tool",
    name,
    fingerprints: [`sha256:${Buffer.from(name.padEnd(32)).toString("hex")}`],
    scope: ["fs.read", "net.send"],
    effect,
    requires,
    addsTaint: ["untrusted"],
    stopsTaint: stops === "never" ? [] : ["untrusted", "private"],
    taintOutcome: stops === "deny" ? "deny" : "ask_user",
    ...changes,
  });
  const mine = tool("mine", {});
  const other = tool("other", { scope: ["fs.read"], effect: "read", requires: [] });
  const far = tool("far", { addsTaint: [], requires });
  return {
    expiresMs: EXPIRES_MS,
    operatorScopes: [],
    operatorTaints: [],
    servers: [
      { id: "files", operatorVerified: true, items: [mine, other] },
      { id: "web", operatorVerified: false, items: [far] },
    ],
    rules: RULES,
  };
}

type Choice = (frame: FrameBuilder) => void;

const nothing: Choice = () => {};
const scopes =
  (at: number, flag: number, mask: bigint): Choice =>
  (frame) => {
    frame.flag(flag);
    frame.u128(at, mask);
  };

const SCOPES: readonly Choice[] = [
  nothing,
  scopes(abi.INPUT_OFFSET_SCOPE, abi.INPUT_FLAG_SCOPE, 1n),
  scopes(abi.INPUT_OFFSET_SCOPE, abi.INPUT_FLAG_SCOPE, 1n | (1n << 5n)),
  scopes(abi.INPUT_OFFSET_SCOPE, abi.INPUT_FLAG_SCOPE, 1n << 127n),
];
const CAPS: readonly Choice[] = [
  nothing,
  scopes(abi.INPUT_OFFSET_CAP, abi.INPUT_FLAG_CAP, 1n | (1n << 5n)),
  scopes(abi.INPUT_OFFSET_CAP, abi.INPUT_FLAG_CAP, 1n),
];
const LEASES: readonly Choice[] = [
  nothing,
  (frame) => frame.flag(abi.INPUT_FLAG_LEASE_NAMED),
  (frame) => addLease(frame, 1, 1),
  (frame) => addLease(frame, 1, 0),
  (frame) => addLease(frame, 0, 1),
  (frame) => addLease(frame, 0, 5),
  (frame) => {
    addLease(frame, 1, 1);
    frame.u64(abi.INPUT_OFFSET_LEASE_EXPIRES, frame.view.getBigUint64(abi.INPUT_OFFSET_NOW, true));
    frame.flag(abi.INPUT_FLAG_LEASE_NAMED);
  },
];
const CONSENTS: readonly Choice[] = [
  nothing,
  (frame) => addConsent(frame, 0xffff_ffff, 0),
  (frame) => addConsent(frame, 0xffff_ffff, abi.CONSENT_FLAG_LEASE),
  (frame) => addConsent(frame, 1 << 22, 0),
  (frame) => {
    addConsent(frame, 0xffff_ffff, 0);
    frame.u32(abi.INPUT_OFFSET_CONSENT_TAINT, 1);
  },
  (frame) => {
    addConsent(frame, 0xffff_ffff, 0);
    frame.flag(abi.INPUT_FLAG_CONSENT_REFUSED);
  },
];
const TAINTS: readonly Choice[] = [0, 1, 3].map(
  (mask): Choice =>
    (frame) =>
      frame.u32(abi.INPUT_OFFSET_TAINT, mask),
);
const LEVELS: readonly Choice[] = [0, 1, 2, 3, 4, 5].map(
  (level): Choice =>
    (frame) =>
      frame.u8(abi.INPUT_OFFSET_VETTING, level),
);

/** Every way to take one choice of each. */
function* product(axes: readonly (readonly Choice[])[]): Generator<readonly Choice[]> {
  const [first, ...rest] = axes;
  if (first === undefined) {
    yield [];
    return;
  }
  for (const others of product(rest)) for (const choice of first) yield [choice, ...others];
}

describe("a whole small model", () => {
  for (const effect of EFFECTS) {
    it(`decides every call of ${effect} tools as the pages say`, () => {
      let decided = 0;
      let allowed = 0;
      for (const requires of REQUIRES) {
        for (const stops of STOPS) {
          const image = policyImage(catalogOf(effect, requires, stops));
          const calls = product([SCOPES, CAPS, LEASES, CONSENTS, TAINTS, LEVELS]);
          for (const [index, choices] of [...calls].entries()) {
            const call = { item: index % 3, principal: index % 2 === 0 ? "bob" : "agent:x" };
            const frame = fineFrame(image, call);
            for (const choose of choices) choose(frame);
            const actual = executeFrame(image.kernel, frame.bytes);
            const decision = decide(image.catalog, image.image, call.principal, frame.bytes);
            const expected = encodeDecision(decision);
            if (Buffer.compare(actual, expected) !== 0) {
              const where = `${requires} ${stops} call ${index}`;
              expect.fail(`${where}: ${difference(actual, expected)}`);
            }
            decided += 1;
            const verdict = decision.words.get(abi.OUTPUT_OFFSET_VERDICT);
            if (verdict === VERDICT_ALLOWED) allowed += 1;
          }
        }
      }
      expect(decided).toBe(REQUIRES.length * STOPS.length * 4 * 3 * 7 * 6 * 3 * 6);
      expect(allowed).toBeGreaterThan(decided / 500);
    }, 120_000);
  }
});
