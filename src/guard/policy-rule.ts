// Custom rules of a host, written in TypeScript (40-gateway section 4).
import type { Outcome } from "../verdict.ts";
import { ArgumentSnapshot, type JsonObject } from "./argument-snapshot.ts";

/** One finding of vetting, as far as a rule needs it. */
export interface PolicyFinding {
  readonly category: string;
  readonly severity: string;
  /** Path of the field that holds it. */
  readonly field: string;
}

/** What vetting found in the tool's definition. */
export interface PolicyVetting {
  readonly blocked: boolean;
  readonly findings: readonly PolicyFinding[];
}

/** A rule of the host; it can only tighten. */
export interface PolicyRule {
  readonly policyId: string;
  /**
   * Judges one call, synchronously.
   *
   * @param args a frozen copy: a rule cannot change what is forwarded
   * @param vetting `null` when the definition was not vetted
   * @returns `undefined` when the rule does not apply
   */
  evaluate(toolName: string, args: JsonObject, vetting: PolicyVetting | null): Outcome | undefined;
}

/** The worst answer, and the rules that gave one. */
export interface PolicyResult {
  readonly outcome: Outcome;
  /** In the order of the rules; a rule that failed is one of them. */
  readonly matchedPolicyIds: readonly string[];
}

const STRENGTH: ReadonlyMap<unknown, number> = new Map<Outcome, number>([
  ["allow", 0],
  ["dry_run", 1],
  ["ask_user", 2],
  ["deny", 3],
]);

/**
 * Asks every rule; the worst outcome counts, and without any it is `allow`.
 *
 * A rule that throws, returns a promise, or answers with anything but the four outcomes and
 * `undefined`, denies. Arguments that are no plain JSON object are denied before a rule sees them.
 * Never throws.
 *
 * @param args raw JSON bytes, a value, or a snapshot
 */
export function runPolicyRules(
  rules: readonly PolicyRule[],
  toolName: string,
  args: unknown,
  vetting: PolicyVetting | null,
): PolicyResult {
  if (rules.length === 0) return { outcome: "allow", matchedPolicyIds: [] };
  const snapshot = ArgumentSnapshot.of(args);
  if (snapshot === undefined) return { outcome: "deny", matchedPolicyIds: [] };
  const frozen = frozenCopy(snapshot);
  const findings = frozenVetting(vetting);
  const matched: string[] = [];
  let worst: Outcome = "allow";
  for (const rule of rules) {
    const outcome = ask(rule, toolName, frozen, findings);
    if (outcome === undefined) continue;
    matched.push(idOf(rule));
    if (strengthOf(outcome) > strengthOf(worst)) worst = outcome;
  }
  return { outcome: worst, matchedPolicyIds: matched };
}

function ask(
  rule: PolicyRule,
  toolName: string,
  args: JsonObject,
  vetting: PolicyVetting | null,
): Outcome | undefined {
  try {
    const answer: unknown = rule.evaluate(toolName, args, vetting);
    if (answer === undefined) return undefined;
    // a promise comes too late; a rejected one that nobody looks at would end the process
    if (answer instanceof Promise) answer.catch(() => undefined);
    return isOutcome(answer) ? answer : "deny";
  } catch {
    return "deny";
  }
}

function isOutcome(value: unknown): value is Outcome {
  return STRENGTH.has(value);
}

function strengthOf(outcome: Outcome): number {
  return STRENGTH.get(outcome) ?? Number.POSITIVE_INFINITY;
}

function idOf(rule: PolicyRule): string {
  try {
    const id: unknown = rule.policyId;
    return typeof id === "string" ? id : "unnamed";
  } catch {
    return "unnamed";
  }
}

/** A copy of its own, frozen through and through. */
function frozenCopy({ text }: ArgumentSnapshot): JsonObject {
  const copy: JsonObject = JSON.parse(text);
  freeze(copy);
  return copy;
}

function frozenVetting(vetting: PolicyVetting | null): PolicyVetting | null {
  if (vetting === null) return null;
  const findings = vetting.findings.map((finding) => Object.freeze({ ...finding }));
  return Object.freeze({ ...vetting, findings: Object.freeze(findings) });
}

function freeze(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  for (const part of Object.values(value)) freeze(part);
  Object.freeze(value);
}
