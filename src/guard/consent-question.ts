// What a person is asked (40-gateway section 6).
import { concatBytes, isWellFormed, toHex, utf8 } from "../bytes.ts";
import type { Effect } from "../catalog/types.ts";
import { GuardError } from "../errors.ts";
import { sha256 } from "../kernel/digest.ts";
import { tagBytes } from "../kernel/framed.ts";
import { visible } from "../manifest/drift-visible.ts";
import { argumentText } from "./argument-text.ts";

export type ConsentChoice = "deny" | "once" | "session" | "lease";

/** In the order in which they are offered: the safe one first. */
export const CONSENT_CHOICES: readonly ConsentChoice[] = Object.freeze([
  "deny",
  "once",
  "session",
  "lease",
]);

/** Why it is asked: a reason of the verdict table and its sentence. */
export interface ConsentReason {
  readonly reason: string;
  readonly message: string;
}

/** What the guard knows of a call that asks. */
export interface ConsentSubject {
  readonly principal: string;
  readonly server: string;
  readonly tool: string;
  readonly effect: Effect;
  readonly scope: readonly string[];
  /** Raw JSON text or bytes, or a value; shown masked. */
  readonly args: unknown;
  /** Every contributor that asks, the first one first. */
  readonly reasons: readonly ConsentReason[];
  readonly choices?: readonly ConsentChoice[] | undefined;
  /** ms since the epoch; a later answer is no answer. */
  readonly expiresAtMs: number;
}

/** A question, frozen. Holds nothing that must not be shown. */
export interface ConsentQuestion {
  readonly principal: string;
  readonly server: string;
  readonly tool: string;
  readonly effect: Effect;
  readonly scope: readonly string[];
  /** Masked, bounded, one member a line. */
  readonly arguments: string;
  readonly reasons: readonly ConsentReason[];
  readonly choices: readonly ConsentChoice[];
  /** All of it for a plain terminal. */
  readonly text: string;
  /** Of `consentTextHash(text)`: what the record of the answer is bound to. */
  readonly textHash: string;
  readonly expiresAtMs: number;
}

/**
 * The question about one call. Texts of the server and of the agent cannot add lines to it.
 *
 * @throws {GuardError} ARGUMENT_INVALID without a reason, without `deny` among the choices, or
 *   without a time
 */
export function createConsentQuestion(subject: ConsentSubject): ConsentQuestion {
  const { principal, server, tool, effect, expiresAtMs } = subject;
  const choices = CONSENT_CHOICES.filter((choice) =>
    (subject.choices ?? CONSENT_CHOICES).includes(choice),
  );
  if (!choices.includes("deny")) throw invalid("expected deny among the choices");
  if (subject.reasons.length === 0) throw invalid("expected a reason to ask");
  if (!(expiresAtMs > 0) || !Number.isSafeInteger(expiresAtMs)) {
    throw invalid("expected expiresAtMs as ms since the epoch");
  }
  const scope = [...subject.scope].sort();
  const reasons = subject.reasons.map(({ reason, message }) => Object.freeze({ reason, message }));
  const shown = argumentText(subject.args);
  const text = [
    "An agent wants to call a tool. May it?",
    `principal: ${visible(principal)}`,
    `server:    ${visible(server)}`,
    `tool:      ${visible(tool)}`,
    `effect:    ${effect}`,
    `scope:     ${visible(scope.join(", "))}`,
    "arguments:",
    ...shown.split("\n").map((line) => `  ${line}`),
    "asked because:",
    ...reasons.map(({ reason, message }) => `  - ${visible(reason)}: ${visible(message)}`),
    `choices:   ${choices.map((choice) => CHOICE_TEXTS[choice]).join(" | ")}`,
  ].join("\n");
  return Object.freeze({
    principal,
    server,
    tool,
    effect,
    scope: Object.freeze(scope),
    arguments: shown,
    reasons: Object.freeze(reasons),
    choices: Object.freeze(choices),
    text,
    textHash: consentTextHash(text),
    expiresAtMs,
  });
}

const CHOICE_TEXTS: Readonly<Record<ConsentChoice, string>> = {
  deny: "deny",
  once: "once",
  session: "this session",
  lease: "lease (n calls, t minutes)",
};

/**
 * Lower-case hex SHA-256( TAG("portcullis:consent-text:v1") || UTF-8 text ).
 *
 * @throws {GuardError} ARGUMENT_INVALID for text with a lone surrogate
 */
export function consentTextHash(text: string): string {
  if (!isWellFormed(text)) throw invalid("expected well-formed text, got a lone surrogate");
  return toHex(sha256(concatBytes(tagBytes("portcullis:consent-text:v1"), utf8(text))));
}

function invalid(message: string): GuardError {
  return new GuardError("ARGUMENT_INVALID", message);
}
