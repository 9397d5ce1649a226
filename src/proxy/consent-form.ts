// A question as an MCP elicitation, and the answer to it (50-proxy section 2.3).
import { isJsonObject } from "../guard/argument-snapshot.ts";
import {
  CONSENT_DENIED,
  type ConsentAnswer,
  LIMIT_CONSENT_CALLS,
  LIMIT_CONSENT_MINUTES,
  readConsentAnswer,
} from "../guard/consent-answer.ts";
import type { ConsentQuestion } from "../guard/consent-question.ts";

/** First revision whose elicitations have a `mode`; revisions are dates, and sort as texts. */
const MODE_SINCE = "2025-11-25";

export const ELICITATION_METHOD = "elicitation/create";

/**
 * The `params` of the guard's own elicitation: a flat form, as every revision has it.
 *
 * @param revision that the connection speaks; `undefined` when it is not known
 */
export function elicitationParams(
  question: Pick<ConsentQuestion, "text" | "choices">,
  revision: string | undefined,
): object {
  const choices = question.choices.filter((choice) => choice !== "deny");
  const integer = (title: string, maximum: number): object => ({
    type: "integer",
    title,
    minimum: 1,
    maximum,
  });
  return {
    ...(revision !== undefined && revision >= MODE_SINCE && { mode: "form" }),
    message: question.text,
    requestedSchema: {
      type: "object",
      properties: {
        approve: { type: "boolean", title: "Allow this call" },
        choice: { type: "string", title: "For how long; once when left out", enum: choices },
        calls: integer("With lease: calls", LIMIT_CONSENT_CALLS),
        minutes: integer("With lease: minutes", LIMIT_CONSENT_MINUTES),
      },
      required: ["approve"],
    },
  };
}

/**
 * What a person answered: an approval only for `action: "accept"` with `approve: true`, in time and
 * complete. Everything else is `deny`. Never throws.
 *
 * @param result the value of the elicitation's result, which the strict reader has accepted
 */
export function readElicitation(
  result: unknown,
  question: Pick<ConsentQuestion, "choices" | "expiresAtMs">,
  nowMs: number,
): ConsentAnswer {
  if (!isJsonObject(result) || result["action"] !== "accept") return CONSENT_DENIED;
  const content = result["content"];
  if (!isJsonObject(content) || content["approve"] !== true) return CONSENT_DENIED;
  const { choice = "once", calls, minutes } = content;
  return readConsentAnswer({ choice, calls, minutes }, question, nowMs);
}
