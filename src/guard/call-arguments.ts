// The arguments of one call through constraints, schema and custom rules: what the host attests to
// the kernel about them.
import * as abi from "../abi/frame.ts";
import type { CatalogItem } from "../catalog/types.ts";
import type { DigestWords } from "../kernel/decide.ts";
import type { Outcome } from "../verdict.ts";
import { tryArgumentsDigest } from "./args-digest.ts";
import { ArgumentSnapshot } from "./argument-snapshot.ts";
import { checkArguments } from "./arguments.ts";
import { hashWords, NO_DIGEST } from "./caller-facts.ts";
import type { ItemFacts } from "./item-facts.ts";
import { type PolicyRule, type PolicyVetting, runPolicyRules } from "./policy-rule.ts";
import type { ProtectedPaths } from "./protected-paths.ts";

export interface ArgumentsQuestion {
  /** Raw bytes, a value or a snapshot; `undefined` = none. */
  readonly args: unknown;
  readonly name: string;
  /** `undefined`: nothing is pinned, and nothing is asked. */
  readonly item: CatalogItem | undefined;
  readonly facts: ItemFacts | undefined;
  readonly rules: readonly PolicyRule[];
  readonly protectedPaths: ProtectedPaths | undefined;
}

/** Outcomes as numbers of src/abi/frame.ts. */
export interface JudgedArguments {
  /** ARGUMENTS_HOLD or 0. */
  readonly arguments: number;
  /** SCHEMA_HOLDS or 0. */
  readonly schema: number;
  /** CUSTOM_* or 0. */
  readonly custom: number;
  readonly policyIds: readonly string[];
  /** One line where something refused; never holds a value. */
  readonly detail: string | undefined;
  /** Their JSON text, where they were read. */
  readonly text: string | undefined;
}

const CUSTOM: Readonly<Record<Outcome, number>> = {
  allow: abi.CUSTOM_NOTHING,
  ask_user: abi.CUSTOM_ASKS,
  dry_run: abi.CUSTOM_DRY_RUN,
  deny: 0,
};

/** Judges the arguments once; never throws. */
export function judgeCallArguments(question: ArgumentsQuestion): JudgedArguments {
  const { args, item, facts, rules, protectedPaths } = question;
  const needsReading =
    (item?.args.size ?? 0) > 0 ||
    facts?.schema !== undefined ||
    protectedPaths !== undefined ||
    rules.length > 0;
  if (!needsReading) {
    // WHY: nothing asks about a member, so the arguments are not read: 5 us of a decision of 1
    return isPlainArguments(args) ? HOLDS : UNREADABLE;
  }
  const snapshot = ArgumentSnapshot.of(args);
  if (snapshot === undefined) return UNREADABLE;
  const constraints =
    item === undefined
      ? { ok: true as const }
      : checkArguments(item, snapshot, protectedPaths === undefined ? {} : { protectedPaths });
  const schema = facts?.schema?.check(snapshot) ?? { ok: true as const };
  const policy = runPolicyRules(rules, question.name, snapshot, vettingOf(facts));
  return {
    arguments: constraints.ok ? abi.ARGUMENTS_HOLD : 0,
    schema: schema.ok ? abi.SCHEMA_HOLDS : 0,
    custom: CUSTOM[policy.outcome],
    policyIds: policy.matchedPolicyIds,
    detail: constraints.ok ? (schema.ok ? undefined : schema.message) : constraints.message,
    text: snapshot.text,
  };
}

/** `sha256:<hex>` of the arguments; `undefined` when they have no canonical form. */
export function digestOfArguments(judged: JudgedArguments, args: unknown): string | undefined {
  if (judged === UNREADABLE) return undefined;
  return tryArgumentsDigest(judged.text ?? (args instanceof ArgumentSnapshot ? args.text : args));
}

/** As `digestOfArguments`, for a frame; zeros where there is none. */
export function argumentWords(digest: string | undefined): DigestWords {
  return digest === undefined ? NO_DIGEST : hashWords(digest.slice("sha256:".length));
}

const HOLDS: JudgedArguments = {
  arguments: abi.ARGUMENTS_HOLD,
  schema: abi.SCHEMA_HOLDS,
  custom: abi.CUSTOM_NOTHING,
  policyIds: [],
  detail: undefined,
  text: undefined,
};

const UNREADABLE: JudgedArguments = {
  ...HOLDS,
  arguments: 0,
  detail: "expected arguments as one json object of plain data, got another",
};

function isPlainArguments(args: unknown): boolean {
  if (args === undefined) return true;
  return typeof args === "object" && args !== null && !Array.isArray(args);
}

function vettingOf(facts: ItemFacts | undefined): PolicyVetting | null {
  const report = facts?.vetting;
  return report === undefined
    ? null
    : { blocked: report.level === "critical", findings: report.findings };
}
