// Questions to modern clients, which leave the connection and come back with the call; and the
// records of approvals (50-proxy section 2.3).

import { toHex, utf8Size } from "../bytes.ts";
import type { ConsentChannel } from "../catalog/types.ts";
import { randomBytes } from "../clock.ts";
import { tryArgumentsDigest } from "../guard/args-digest.ts";
import type { ConsentAnswer } from "../guard/consent-answer.ts";
import { answerRecords, questionOf } from "../guard/consent-flow.ts";
import { CONSENT_CHOICES, type ConsentQuestion } from "../guard/consent-question.ts";
import type { ConsentBinding, ConsentRecord } from "../guard/consent-record.ts";
import type { EngineCall, EngineDecision } from "../guard/engine-types.ts";
import { isTaken } from "../guard/store-answers.ts";
import { idOfKey, inputRequiredResult } from "./answers.ts";
import type { ClientMessage, RetryAnswer } from "./client-message.ts";
import { ELICITATION_METHOD, elicitationParams, readElicitation } from "./consent-form.ts";
import { CONSENT_KEY, ownPartsOf } from "./consent-retry.ts";
import { type ConsentState, sealConsentState } from "./consent-state.ts";
import { andThen, type Eventually, orElse } from "./eventually.ts";
import { LIMIT_CARRIED_STATE_BYTES, LIMIT_CONSENT_RETRY_MS } from "./limits.ts";
import type { SessionState } from "./session-state.ts";

/** Revision whose forms a modern client knows. */
const MODERN_REVISION = "2026-07-28";
const NONCE_SIZE_BYTES = 16;

/** An approval and what it was given to. */
export interface Approval {
  readonly binding: ConsentBinding;
  readonly question: Pick<ConsentQuestion, "textHash">;
  readonly answer: ConsentAnswer;
  readonly channel: ConsentChannel;
}

/** What came of a question: why nothing was approved, or the approvals that are kept. */
export type Consented =
  | { readonly refusal: string }
  | { readonly refusal?: undefined; readonly records: readonly ConsentRecord[] };

export class ConsentPapers {
  readonly #state: SessionState;

  constructor(state: SessionState) {
    this.#state = state;
  }

  /** Answers a modern call with the question; false when it cannot be put. */
  ask(message: ClientMessage, call: EngineCall, decided: EngineDecision): boolean {
    const { parts } = this.#state;
    const { binding } = decided;
    const expiresAtMs = parts.clock() + LIMIT_CONSENT_RETRY_MS;
    const question = questionOf(call, decided, expiresAtMs);
    const own = ownPartsOf(message.line, message.shape.params);
    const carried = utf8Size(`${own.requestState ?? ""}${own.inputResponses ?? ""}`);
    if (binding === undefined || question === undefined || carried > LIMIT_CARRIED_STATE_BYTES) {
      return false;
    }
    const { textHash } = question;
    const nonce = toHex(randomBytes(NONCE_SIZE_BYTES));
    const state: ConsentState = { binding, textHash, expiresAtMs, nonce, ...own };
    const params = elicitationParams(question, MODERN_REVISION);
    this.record(message, decided, "asked by elicitation");
    parts.toClient(
      inputRequiredResult(idOfKey(message.key), {
        inputRequests: { [CONSENT_KEY]: { method: ELICITATION_METHOD, params } },
        requestState: sealConsentState(parts.consentKey, state),
      }),
    );
    return true;
  }

  /** Takes the answer that a call brings back: once, in time, and for this very call. */
  accept({ state, answer }: RetryAnswer, call: EngineCall): Eventually<Consented> {
    const { store, clock } = this.#state.parts;
    const nowMs = clock();
    if (state === undefined) {
      return { refusal: "an answer to a question that this guard did not ask" };
    }
    if (!isSameCall(state.binding, call)) {
      return { refusal: "an answer to a question about another call" };
    }
    if (!(nowMs < state.expiresAtMs)) return { refusal: "an answer that came too late" };
    const { binding, textHash, expiresAtMs, nonce } = state;
    const isNew = orElse<boolean | undefined>(
      () => store.useNonce(nonce, expiresAtMs, nowMs),
      undefined,
    );
    return andThen(isNew, (isFirst): Eventually<Consented> => {
      if (isFirst === false) return { refusal: "an answer that was used before" };
      // a store in trouble: nobody can say that it was not used
      if (isFirst !== true) return { refusal: "an answer that may have been used before" };
      const read = readElicitation(answer, { choices: CONSENT_CHOICES, expiresAtMs }, nowMs);
      if (read.choice === "deny") return { refusal: "a person did not approve" };
      const question = { textHash };
      return this.keep({ binding, question, answer: read, channel: "elicitation" });
    });
  }

  /** Keeps the records of an approval. */
  keep(approval: Approval): Eventually<Consented> {
    const { store, clock } = this.#state.parts;
    const records = answerRecords({ ...approval, nowMs: clock() });
    const putAll = (): Eventually<boolean> =>
      records.reduce<Eventually<boolean>>(
        (before, record) =>
          andThen(before, (isKept) => isTaken(isKept) && store.putConsent(record)),
        records.length > 0,
      );
    return andThen(
      orElse(putAll, false),
      (isKept): Consented =>
        isTaken(isKept) ? { records } : { refusal: "the approval could not be kept" },
    );
  }

  /** Takes back an approval of one call, which then was not sent on for another reason. */
  dropUnused(records: readonly ConsentRecord[]): void {
    const { store } = this.#state.parts;
    for (const { id, singleUse, argsDigest } of records) {
      if (!singleUse || argsDigest === null) continue;
      // one that stays expires soon, and holds for this very call alone
      void orElse(() => store.revokeConsent(id), false);
    }
  }

  /** Records that a person was asked, or what came of it. */
  record({ key, method, shape }: ClientMessage, decided: EngineDecision, detail: string): void {
    this.#state.record("consent", decided.decision, {
      sender: "guard",
      method,
      id: JSON.stringify(idOfKey(key)),
      ...(shape.name !== undefined && { tool: shape.name }),
      detail,
      taint: this.#state.labelsOf(decided.taint),
    });
  }
}

/** The same principal, session, server, name and arguments; the engine compares the rest. */
function isSameCall(
  binding: ConsentBinding,
  { identity, serverId, name, args }: EngineCall,
): boolean {
  return (
    identity !== undefined &&
    binding.principalHash === identity.principalHash &&
    binding.sessionHash === identity.sessionHash &&
    binding.serverId === serverId &&
    (binding.itemName === name || binding.kind === "resource_template") &&
    binding.argsDigest === tryArgumentsDigest(args)
  );
}
