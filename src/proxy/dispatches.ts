// Calls of tools, prompts and resources: the quick refusal, every layer, and a person where it asks
// (50-proxy section 2.3). Nothing is sent on but by a decision that is exactly `allow`.
import {
  METHOD_PROMPTS_GET,
  METHOD_RESOURCES_READ,
  METHOD_RESOURCES_UNSUBSCRIBE,
  METHOD_TOOLS_CALL,
} from "../abi/layout.ts";
import { VERDICT_FINGERPRINT_DRIFT, VERDICT_SERVER_NOT_ADMITTED } from "../abi/verdict.ts";
import type { AuditEra } from "../audit/event.ts";
import type { ConsentChannel } from "../catalog/types.ts";
import { questionOf } from "../guard/consent-flow.ts";
import type { ConsentBinding } from "../guard/consent-record.ts";
import type { EngineCall, EngineDecision } from "../guard/engine-types.ts";
import type { Span } from "../kernel/message.ts";
import type { Decision } from "../verdict.ts";
import type { ClientMessage } from "./client-message.ts";
import type { ClientRequests } from "./client-requests.ts";
import { declaresForms } from "./client-traits.ts";
import { metaOf } from "./complete-listing.ts";
import type { ConsentReply } from "./consent-desk.ts";
import { type Consented, ConsentPapers } from "./consent-papers.ts";
import { readConsentRetry } from "./consent-retry.ts";
import { applyEdits } from "./cut.ts";
import { spanText } from "./json-members.ts";
import { LIMIT_CONSENT_WAIT_MS } from "./limits.ts";
import type { SessionState } from "./session-state.ts";

/** What the server may answer with a question of its own, and so the guard in its place. */
const MAY_ASK: ReadonlySet<number> = new Set([
  METHOD_TOOLS_CALL,
  METHOD_PROMPTS_GET,
  METHOD_RESOURCES_READ,
]);

export class Dispatches {
  readonly #state: SessionState;
  readonly #requests: ClientRequests;
  readonly #papers: ConsentPapers;

  constructor(state: SessionState, requests: ClientRequests) {
    this.#state = state;
    this.#requests = requests;
    this.#papers = new ConsentPapers(state);
  }

  /** Takes a dispatch. INVARIANT: the kernel's frame still holds it. */
  take(given: ClientMessage): void {
    const message = this.#withoutGuardParts(given);
    if (message === undefined) {
      const detail = "an answer to the guard that cannot be taken out of its message";
      this.#requests.refuse(given, { decision: this.#state.malformed, detail });
      return;
    }
    const { bound } = this.#state.parts;
    const quick = bound.decideLast();
    if (isFinal(quick)) {
      this.#refuseFinally(message, quick, bound.lastItem);
      return;
    }
    const context = metaOf(message.line, message.shape.meta);
    if (this.#state.admission.isFresh(context)) this.#conclude(message, quick, bound.lastItem);
    else this.#requests.whenAdmitted(message, (later) => this.#concludeLater(later), context);
  }

  /**
   * The message as it would be without the guard, read again; the same where it has nothing of the
   * guard, `undefined` where it cannot be read.
   */
  #withoutGuardParts(message: ClientMessage): ClientMessage | undefined {
    const { bound, consentKey, messageSizeMax } = this.#state.parts;
    const retry = readConsentRetry(message.line, message.shape.params, consentKey);
    if (retry === "none") return message;
    if (retry === "malformed") return undefined;
    const frame = applyEdits(message.frame, retry.edits);
    const line = frame.subarray(0, frame.length - 1);
    const shape = line.length > messageSizeMax ? undefined : bound.readMessage(line);
    if (shape === undefined || shape.kind !== "request" || shape.id?.key !== message.key) {
      return undefined;
    }
    const answer = jsonAt(message.line, retry.answer);
    return { ...message, frame, line, shape, retry: { state: retry.state, answer } };
  }

  /** A refusal that no listing could change; with an audit log the layers are asked all the same. */
  #refuseFinally(message: ClientMessage, quick: Decision, item: number): void {
    if (this.#state.parts.audit === undefined) {
      this.#requests.refuse(message, { decision: quick });
      return;
    }
    const call = this.#state.decider.callOf(message.line, message.shape, item);
    const answer = this.#state.decider.decide(call, eraOf(message));
    this.#requests.whenAnswered(message, answer, (later, decided) =>
      this.#requests.refuse(later, { decision: strictest(quick, decided) }, decided),
    );
  }

  /** Decides a message that has waited: read again, since the kernel has read others since. */
  #concludeLater(message: ClientMessage): void {
    const { bound } = this.#state.parts;
    bound.readMessage(message.line);
    const quick = bound.decideLast();
    this.#conclude(message, quick, bound.lastItem);
  }

  #conclude(message: ClientMessage, quick: Decision, item: number): void {
    const { decider } = this.#state;
    const { shape, retry } = message;
    if (shape.dispatch === METHOD_RESOURCES_UNSUBSCRIBE) {
      // what ends something needs nothing but to be allowed to speak of it
      const answer = decider.followUp("resource", shape.name ?? "");
      this.#requests.whenAnswered(message, answer, (later, decision) => {
        if (decision.outcome === "allow") this.#requests.allow(later);
        else this.#requests.refuse(later, { decision });
      });
      return;
    }
    const call = decider.callOf(message.line, shape, item);
    if (retry !== undefined) {
      this.#requests.whenAnswered(message, this.#papers.accept(retry, call), (later, consented) =>
        this.#finish(later, call, consented),
      );
      return;
    }
    const answer = decider.decide(call, eraOf(message));
    this.#requests.whenAnswered(message, answer, (later, decided) => {
      const now = this.#quickNow(later) ?? quick;
      if (this.#isOvertaken(later, decided, now)) {
        this.#requests.whenAdmitted(later, (again) => this.#concludeLater(again));
      } else if (decided.decision.outcome !== "ask_user") this.#end(later, decided, now);
      else if (!this.#ask(later, call, decided)) this.#finish(later, call, NOBODY_ASKED);
    });
  }

  /**
   * What the catalog alone says once a store has answered later.
   *
   * INVARIANT: nothing is sent on but by a decision about the server as it is in the same turn; its
   * list may have changed, or shown drift, while something was taken in the store.
   */
  #quickNow({ line }: ClientMessage): Decision | undefined {
    const { bound, later } = this.#state.parts;
    if (later === undefined) return undefined;
    bound.readMessage(line);
    return bound.decideLast();
  }

  /** The server's list has changed while a store was asked: the call waits as one that comes now. */
  #isOvertaken(message: ClientMessage, { decision }: EngineDecision, now: Decision): boolean {
    const { admission, parts } = this.#state;
    const isUnlisted = [decision, now].some(({ code }) => code === VERDICT_SERVER_NOT_ADMITTED);
    if (parts.later === undefined || !isUnlisted) return false;
    const isLate = parts.monotonic() >= (message.deadlineMs ?? Number.POSITIVE_INFINITY);
    return !isLate && !admission.isFresh(metaOf(message.line, message.shape.meta));
  }

  /** Sends on what is allowed, and refuses the rest. */
  #end(message: ClientMessage, decided: EngineDecision, quick?: Decision, why?: string): void {
    const decision = quick === undefined ? decided.decision : strictest(quick, decided);
    if (decision.outcome === "allow") {
      this.#requests.allow(message, decided);
      return;
    }
    const detail = why ?? decided.detail;
    const refusal = { decision, ...(detail !== undefined && { detail }) };
    // the audit log has a decision that was overtaken as an allow: it gets this refusal as well
    const isOther = decided.decision.outcome === "allow";
    this.#requests.refuse(message, refusal, isOther ? undefined : decided);
  }

  /**
   * Decides again behind a question. Nobody is asked about one call twice: when what was approved is
   * not all that asks by now, the call is refused.
   */
  #finish(message: ClientMessage, call: EngineCall, consented: Consented): void {
    if (consented.refusal !== undefined) {
      this.#refuseUnapproved(message, call, consented.refusal);
      return;
    }
    const answer = this.#state.decider.decide(call, eraOf(message));
    this.#requests.whenAnswered(message, answer, (later, decided) => {
      if (decided.decision.outcome !== "allow") this.#papers.dropUnused(consented.records);
      if (decided.decision.outcome !== "ask_user") {
        this.#end(later, decided, this.#quickNow(later));
      } else this.#refuseUnapproved(later, call, "more asks now than what was approved");
    });
  }

  #refuseUnapproved(message: ClientMessage, call: EngineCall, refusal: string): void {
    const refused = { ...call, isConsentRefused: true };
    const answer = this.#state.decider.decide(refused, eraOf(message));
    this.#requests.whenAnswered(message, answer, (later, decided) =>
      this.#end(later, decided, undefined, refusal),
    );
  }

  /** Puts the question to a person; false when nobody can be asked. */
  #ask(message: ClientMessage, call: EngineCall, decided: EngineDecision): boolean {
    const { target, binding } = decided;
    if (target === undefined || binding === undefined) return false;
    const { parts, client } = this.#state;
    const { consentChannels } = target.server;
    const { line, shape } = message;
    const isModern = metaOf(line, shape.meta) !== undefined;
    const hasForms = isModern ? declaresForms(line, shape.meta) : client.hasForms;
    if (hasForms && consentChannels.includes("elicitation")) {
      if (!isModern) return this.#wait(message, call, { decided, binding, channels: IN_CLIENT });
      if (MAY_ASK.has(shape.dispatch)) return this.#papers.ask(message, call, decided);
    }
    const channels = consentChannels.filter((channel) => channel !== "elicitation");
    if (!parts.isStoreShared || channels.length === 0) return false;
    return this.#wait(message, call, { decided, binding, channels });
  }

  /** Asks, and keeps the message until somebody answers, or it is too late. */
  #wait(message: ClientMessage, call: EngineCall, { decided, binding, channels }: Asking): boolean {
    const { parts, client, desk } = this.#state;
    const waitMs = message.arrivedMs + LIMIT_CONSENT_WAIT_MS - parts.monotonic();
    if (!(waitMs > 0)) return false;
    const question = questionOf(call, decided, parts.clock() + Math.ceil(waitMs));
    if (question === undefined) return false;
    const context = metaOf(message.line, message.shape.meta);
    let withdraw: ((why: string) => void) | undefined;
    const { waiting, release } = this.#requests.hold(message, context, (why) => withdraw?.(why));
    const done = ({ answer, channel, detail }: ConsentReply): void => {
      if (!release()) return;
      this.#papers.record(waiting, decided, `${detail} (${channel})`);
      const approval = { binding, question, answer, channel };
      const kept = answer.choice === "deny" ? { refusal: detail } : this.#papers.keep(approval);
      this.#requests.whenAnswered(waiting, kept, (message, consented) => {
        if (consented.refusal !== undefined) {
          this.#finish(message, call, consented);
          return;
        }
        // WHY: the server may have changed its list meanwhile; that wait is another one
        const again = { ...message, deadlineMs: undefined };
        this.#requests.whenAdmitted(
          again,
          (later) => this.#finish(later, call, consented),
          context,
        );
      });
    };
    const { revision } = client;
    const callKey = message.key;
    withdraw = desk.ask({ callKey, question, binding, channels, waitMs, revision, done });
    if (withdraw === undefined) {
      release();
      return false;
    }
    this.#papers.record(message, decided, `asked by ${channels.join(" or ")}`);
    return true;
  }
}

/** What is asked, and where. */
interface Asking {
  readonly decided: EngineDecision;
  readonly binding: ConsentBinding;
  readonly channels: readonly ConsentChannel[];
}

const IN_CLIENT: readonly ConsentChannel[] = ["elicitation"];
const NOBODY_ASKED: Consented = { refusal: "there is nobody who can be asked" };

function eraOf(message: ClientMessage): AuditEra {
  return metaOf(message.line, message.shape.meta) === undefined ? "legacy" : "modern";
}

/** INVARIANT: where the two do not agree, nothing is allowed. */
function strictest(quick: Decision, { decision }: EngineDecision): Decision {
  return decision.outcome === "allow" && quick.outcome === "deny" ? quick : decision;
}

/** True for a refusal that no listing could change. */
function isFinal(decision: Decision): boolean {
  const { layer, code } = decision;
  const isAboutName = layer === "catalog" || layer === "server" || layer === "item";
  return isAboutName || layer === "message" || code === VERDICT_FINGERPRINT_DRIFT;
}

/** The value of a span that the strict reader has accepted. */
function jsonAt(line: Uint8Array, span: Span | undefined): unknown {
  const value: unknown = span === undefined ? undefined : JSON.parse(spanText(line, span));
  return value;
}
