// The guard's questions that wait for a person: in the client, by the guard's own elicitation, or at
// another terminal or page, by the store. An answer is taken once, in time, and never forwarded.

import type { ConsentChannel } from "../catalog/types.ts";
import { isJsonObject } from "../guard/argument-snapshot.ts";
import { CONSENT_DENIED, type ConsentAnswer, readConsentAnswer } from "../guard/consent-answer.ts";
import type { ConsentQuestion } from "../guard/consent-question.ts";
import type { ConsentBinding } from "../guard/consent-record.ts";
import type { MessageShape } from "../kernel/message.ts";
import type { Answer, GivenAnswer } from "../store/records.ts";
import { notificationFrame, requestFrame } from "./answers.ts";
import { GUARD_ID_PREFIX } from "./complete-listing.ts";
import { ELICITATION_METHOD, elicitationParams, readElicitation } from "./consent-form.ts";
import { type Eventually, orElse } from "./eventually.ts";
import { spanText } from "./json-members.ts";
import { CONSENT_POLL_MS, LIMIT_OPEN_QUESTIONS } from "./limits.ts";
import type { SessionParts } from "./session-parts.ts";

const MINUTE_MS = 60_000;

/** What came of a question. */
export interface ConsentReply {
  /** `deny` for everything that is no approval. */
  readonly answer: ConsentAnswer;
  readonly channel: ConsentChannel;
  /** One line for the record. */
  readonly detail: string;
}

export interface AskedQuestion {
  /** Id key of the call that waits for the answer. */
  readonly callKey: string;
  readonly question: ConsentQuestion;
  readonly binding: ConsentBinding;
  /** `elicitation` alone asks in the client; others ask through the store. */
  readonly channels: readonly ConsentChannel[];
  /** Milliseconds from now. */
  readonly waitMs: number;
  /** Of the connection; `undefined` when it is not known. */
  readonly revision: string | undefined;
  /** Called at most once, and never once it was withdrawn. */
  readonly done: (reply: ConsentReply) => void;
}

interface OpenQuestion {
  /** Ends it without an answer. */
  readonly close: (why: string) => void;
  /** Ends it with one. */
  readonly settle: (reply: ConsentReply) => void;
  /** Ends it as refused. */
  readonly refuse: (detail: string) => void;
  readonly asked: AskedQuestion;
}

/** The open questions of one connection. */
export class ConsentDesk {
  readonly #parts: () => SessionParts;
  /** By id key of the guard's elicitation, or by id of the stored question. */
  readonly #open = new Map<string, OpenQuestion>();
  #isClosed = false;

  /** @param parts of the catalog that is in force */
  constructor(parts: () => SessionParts) {
    this.#parts = parts;
  }

  /**
   * Asks.
   *
   * @returns takes the question back; `undefined` when nobody could be asked
   */
  ask(asked: AskedQuestion): ((why: string) => void) | undefined {
    if (this.#isClosed || this.#open.size >= LIMIT_OPEN_QUESTIONS || asked.waitMs <= 0) {
      return undefined;
    }
    const isInClient = asked.channels.includes("elicitation");
    return isInClient ? this.#askClient(asked) : this.#askStore(asked);
  }

  /**
   * Takes a response of the client that answers the guard.
   *
   * @param isStrict the strict reader has accepted all of it
   * @returns false when no question has this id
   */
  answer(key: string, line: Uint8Array, shape: MessageShape, isStrict: boolean): boolean {
    const open = this.#open.get(key);
    if (open === undefined) return false;
    const result = isStrict && shape.result !== undefined ? spanText(line, shape.result) : "null";
    const value: unknown = JSON.parse(result);
    const answer = readElicitation(value, open.asked.question, this.#parts().clock());
    const action = isJsonObject(value) ? value["action"] : undefined;
    const isPlain = action === "decline" || action === "cancel";
    const refused = isPlain ? `a person answered ${action}` : "no approval in the answer";
    const detail = answer.choice === "deny" ? refused : `approved: ${answer.choice}`;
    open.settle({ answer, channel: "elicitation", detail });
    return true;
  }

  /** Ends the question with this id key as refused; false when there is none. */
  refuse(key: string, detail: string): boolean {
    const open = this.#open.get(key);
    open?.refuse(detail);
    return open !== undefined;
  }

  /** The client is gone: nobody answers any more. */
  close(): void {
    this.#isClosed = true;
    for (const { refuse } of [...this.#open.values()]) refuse("the client is gone");
  }

  #askClient(asked: AskedQuestion): (why: string) => void {
    const { uuid, toClient } = this.#parts();
    const id = `${GUARD_ID_PREFIX}${uuid()}`;
    const withdraw = (why: string): void => {
      const params = JSON.stringify({ requestId: id, reason: why });
      const frame = notificationFrame("notifications/cancelled", params);
      this.#parts().toClient(frame, asked.callKey);
    };
    const open = this.#keep(`s:${id}`, asked, { withdraw, channel: "elicitation" });
    const params = JSON.stringify(elicitationParams(asked.question, asked.revision));
    toClient(requestFrame(id, ELICITATION_METHOD, params), asked.callKey);
    return open.close;
  }

  #askStore(asked: AskedQuestion): ((why: string) => void) | undefined {
    const { uuid, clock, store, goOn } = this.#parts();
    const { binding, question, channels } = asked;
    const id = uuid();
    const nowMs = clock();
    const { principalHash, serverId, sessionHash, kind, itemName } = binding;
    const put = (): Eventually<boolean> =>
      store.putQuestion({
        id,
        ...{ principalHash, serverId, sessionHash, kind, itemName, channels },
        text: question.text,
        createdAtMs: nowMs,
        expiresAtMs: question.expiresAtMs,
      });
    // a store in trouble, or a text that is too long to be shown: nobody is asked
    const isAsked = orElse(put, false);
    if (isAsked === false) return undefined;
    const [channel = "terminal"] = channels;
    const open = this.#keep(id, asked, { withdraw: () => this.#forget(id), channel });
    goOn(isAsked, (isThere) => {
      if (isThere) this.#poll(id);
      else open.refuse("there is nobody who can be asked");
    });
    return open.close;
  }

  /** Looks for an answer every CONSENT_POLL_MS. */
  #poll(id: string): void {
    const { timer, store, goOn } = this.#parts();
    timer(CONSENT_POLL_MS, () => {
      if (!this.#open.has(id)) return;
      // a store that cannot be asked may answer the next time
      const given = orElse<GivenAnswer | undefined>(() => store.getAnswer(id), undefined);
      goOn(given, (answer) => {
        const open = this.#open.get(id);
        if (open === undefined) return;
        if (answer === undefined) this.#poll(id);
        else open.settle(replyOf(answer, open.asked.question));
      });
    });
  }

  #forget(id: string): void {
    // one that stays expires by itself
    void orElse(() => this.#parts().store.removeQuestion(id), false);
  }

  #keep(
    key: string,
    asked: AskedQuestion,
    { withdraw, channel }: { withdraw: (why: string) => void; channel: ConsentChannel },
  ): OpenQuestion {
    const stopTimer = this.#parts().timer(asked.waitMs, () => {
      const detail = "no answer in time";
      withdraw(detail);
      refuse(detail);
    });
    const end = (): boolean => {
      stopTimer();
      return this.#open.delete(key);
    };
    const settle = (reply: ConsentReply): void => {
      if (!end()) return;
      if (channel !== "elicitation") this.#forget(key);
      asked.done(reply);
    };
    const refuse = (detail: string): void => settle({ answer: CONSENT_DENIED, channel, detail });
    const open: OpenQuestion = {
      asked,
      settle,
      refuse,
      close: (why) => {
        if (end()) withdraw(why);
      },
    };
    this.#open.set(key, open);
    return open;
  }
}

function replyOf(given: GivenAnswer, question: ConsentQuestion): ConsentReply {
  const { channel, answeredAtMs } = given;
  const answer = readConsentAnswer(answerOf(given.answer), question, answeredAtMs);
  const isDenied = answer.choice === "deny";
  return { answer, channel, detail: isDenied ? "a person refused" : `approved: ${answer.choice}` };
}

/** What a person answered elsewhere, in the terms of an answer here. */
function answerOf(answer: Answer): ConsentAnswer {
  if (answer.choice !== "lease") return { choice: answer.choice };
  const { maxInvocations, ttlMs } = answer;
  // whole minutes, rounded down: nothing is granted for longer than was said
  return { choice: "lease", calls: maxInvocations, minutes: Math.floor(ttlMs / MINUTE_MS) };
}
