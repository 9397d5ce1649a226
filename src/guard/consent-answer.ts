// Asking a person, and reading what came back. No answer is a refusal, and so is any other answer.
import type { ConsentChannel } from "../catalog/types.ts";
import type { Clock } from "../clock.ts";
import type { ConsentChoice, ConsentQuestion } from "./consent-question.ts";
import { memberReader } from "./member-reader.ts";

/** Calls that one answer may allow. */
export const LIMIT_CONSENT_CALLS = 100;
/** Minutes for which one answer may allow them. */
export const LIMIT_CONSENT_MINUTES = 1440;

export interface ConsentAnswer {
  readonly choice: ConsentChoice;
  /** With `lease`: how many calls, 1 to 100. */
  readonly calls?: number;
  /** With `lease`: for how many minutes, 1 to 1 440. */
  readonly minutes?: number;
}

/** A way of asking a person. */
export interface ConsentProvider {
  /** Recorded with the answer; must be among the server's `consent_channels`. */
  readonly channel: ConsentChannel;
  /**
   * Shows `question.text`, or its parts, and gives the person's answer.
   *
   * @param signal aborted when the answer has come too late: take the question away then
   */
  ask(question: ConsentQuestion, signal: AbortSignal): Promise<ConsentAnswer>;
}

/** Every refusal, whatever it came from. */
export const CONSENT_DENIED: ConsentAnswer = Object.freeze({ choice: "deny" });

/**
 * The answer as the guard takes it: one of the offered choices, complete, in time. Everything else
 * is `deny`. Never throws.
 */
export function readConsentAnswer(
  value: unknown,
  question: Pick<ConsentQuestion, "choices" | "expiresAtMs">,
  nowMs: number,
): ConsentAnswer {
  if (!(nowMs > 0 && nowMs < question.expiresAtMs)) return CONSENT_DENIED;
  try {
    const read = memberReader(value);
    const wanted = read?.("choice");
    const choice = question.choices.find((offered) => offered === wanted);
    if (choice === undefined || choice === "deny") return CONSENT_DENIED;
    if (choice !== "lease") return Object.freeze({ choice });
    const calls = read?.("calls");
    const minutes = read?.("minutes");
    if (!isWithin(calls, LIMIT_CONSENT_CALLS) || !isWithin(minutes, LIMIT_CONSENT_MINUTES)) {
      return CONSENT_DENIED;
    }
    return Object.freeze({ choice, calls, minutes });
  } catch {
    // a getter of the provider's
    return CONSENT_DENIED;
  }
}

function isWithin(value: unknown, max: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= max;
}

/**
 * Asks, and waits until the question expires at most. Never rejects: a provider that throws, that
 * answers late, or that never answers has refused.
 */
export async function askConsent(
  provider: ConsentProvider,
  question: ConsentQuestion,
  clock: Clock,
): Promise<ConsentAnswer> {
  const waitMs = question.expiresAtMs - clock();
  if (!(waitMs > 0)) return CONSENT_DENIED;
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), Math.min(waitMs, TIMER_MS_MAX));
  });
  try {
    const answer: unknown = await Promise.race([provider.ask(question, controller.signal), late]);
    return readConsentAnswer(answer, question, clock());
  } catch {
    return CONSENT_DENIED;
  } finally {
    clearTimeout(timer);
    controller.abort();
  }
}

/** What a timer holds; a longer one would fire at once. */
const TIMER_MS_MAX = 2_147_483_647;
