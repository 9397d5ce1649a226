// From a decision that asks to the question a person sees, and from the answer to its records.
import { utf8Text } from "../bytes.ts";
import { contributorNames } from "../kernel/output-frame.ts";
import { REASONS, toDecision } from "../verdict.ts";
import { ArgumentSnapshot } from "./argument-snapshot.ts";
import {
  type ConsentChoice,
  type ConsentQuestion,
  createConsentQuestion,
} from "./consent-question.ts";
import { type ConsentOutcome, type ConsentRecord, createConsentRecords } from "./consent-record.ts";
import type { EngineCall, EngineDecision } from "./engine-types.ts";

/** Sentences for the contributors that have no verdict of their own. */
const HOST_SENTENCES: ReadonlyMap<string, string> = new Map([
  ["operator_unverified", "no operator has verified this server"],
  ["custom_rule", "a rule of the host asks"],
]);

/**
 * The question about a call that asks; `undefined` when it cannot be put.
 *
 * @param expiresAtMs ms since the epoch; a later answer is no answer
 */
export function questionOf(
  call: EngineCall,
  decided: EngineDecision,
  expiresAtMs: number,
  choices?: readonly ConsentChoice[],
): ConsentQuestion | undefined {
  const { target, asking } = decided;
  if (target === undefined || call.identity === undefined) return undefined;
  const reasons = contributorNames(asking).map((reason) => ({
    reason,
    message: HOST_SENTENCES.get(reason) ?? toDecision(REASONS.indexOf(reason)).message,
  }));
  if (reasons.length === 0) return undefined;
  return createConsentQuestion({
    principal: call.identity.principal,
    server: target.server.id,
    tool: call.name,
    effect: target.item.effect,
    scope: call.scopes ?? target.item.scope,
    args: shownArguments(call.args),
    reasons,
    expiresAtMs,
    ...(choices === undefined ? {} : { choices }),
  });
}

function shownArguments(args: unknown): unknown {
  if (args instanceof ArgumentSnapshot) return args.text;
  return args instanceof Uint8Array ? (utf8Text(args) ?? "") : (args ?? {});
}

/** The records of an answer; none when they cannot be made. */
export function answerRecords(outcome: ConsentOutcome): readonly ConsentRecord[] {
  try {
    return createConsentRecords(outcome);
  } catch {
    // a clock that went back, a generator that failed: nothing was approved
    return [];
  }
}
