// Answers to pending questions: as options, as typed words, and as they go into the store.
import type { ConsentChannel } from "../catalog/types.ts";
import { GuardError, quote } from "../errors.ts";
import { LIMIT_CONSENT_CALLS, LIMIT_CONSENT_MINUTES } from "../guard/consent-answer.ts";
import type { Answer, Question } from "../store/records.ts";
import type { SyncStateStore } from "../store/types.ts";
import { findId } from "./state-db.ts";

const MINUTE_MS = 60_000;
const COUNT = /^[1-9]\d{0,3}$/;

/** What a person may type, for messages. */
export const ANSWER_WORDS = "deny, once, session, or lease CALLS MINUTES";

/** The answer `lease`; `undefined` when a number is out of range. */
export function leaseAnswer(calls: unknown, minutes: unknown): Answer | undefined {
  if (!isWithin(calls, LIMIT_CONSENT_CALLS) || !isWithin(minutes, LIMIT_CONSENT_MINUTES)) {
    return undefined;
  }
  return { choice: "lease", maxInvocations: calls, ttlMs: minutes * MINUTE_MS };
}

function isWithin(value: unknown, max: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= max;
}

/** A number as it is typed; NaN for anything but a whole number from 1 on. */
export function typedCount(text: string | undefined): number {
  return text !== undefined && COUNT.test(text) ? Number(text) : Number.NaN;
}

/** Reads what a person typed; `undefined` when it is no answer. */
export function typedAnswer(line: string): Answer | undefined {
  const [word, calls, minutes, ...more] = line.trim().toLowerCase().split(/\s+/);
  if (word === "lease") {
    return more.length > 0 ? undefined : leaseAnswer(typedCount(calls), typedCount(minutes));
  }
  if (calls !== undefined) return undefined;
  return word === "deny" || word === "once" || word === "session" ? { choice: word } : undefined;
}

/** An answer in a few words. */
export function answerText(answer: Answer): string {
  if (answer.choice !== "lease") return answer.choice;
  const { maxInvocations, ttlMs } = answer;
  return `lease of ${maxInvocations} calls in ${ttlMs / MINUTE_MS} minutes`;
}

/**
 * The pending question that `typed` names.
 *
 * @throws {GuardError} ARGUMENT_INVALID when it fits none, or several
 */
export function findQuestion(store: SyncStateStore, typed: string, nowMs: number): Question {
  const questions = store.listQuestions(nowMs);
  const names = { what: "a pending question", command: "consent list" };
  const ids = questions.map(({ id }) => id);
  const wanted = findId(ids, typed, names);
  const found = questions.find(({ id }) => id === wanted);
  if (found !== undefined) return found;
  throw new GuardError("ARGUMENT_INVALID", `expected a pending question, got ${quote(typed)}`);
}

/**
 * Gives the answer that counts.
 *
 * @throws {GuardError} ARGUMENT_INVALID when the question may not be answered on this channel, or
 *   somebody else was faster, or it has expired
 */
export function giveAnswer(
  store: SyncStateStore,
  question: Question,
  { answer, channel }: { readonly answer: Answer; readonly channel: ConsentChannel },
  nowMs: number,
): void {
  const { id, channels } = question;
  if (!channels.includes(channel)) {
    const message = `expected a question that the channel ${channel} may answer`;
    throw new GuardError(
      "ARGUMENT_INVALID",
      `${message}, got one for ${channels.join(" or ")}; answer it there`,
    );
  }
  if (store.answerQuestion(id, answer, channel, nowMs)) return;
  throw new GuardError(
    "ARGUMENT_INVALID",
    `expected a question that still waits, got ${quote(id)}, which was answered or has expired`,
  );
}
