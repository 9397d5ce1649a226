// One guarded connection over HTTP: a session that decides, the exchanges of its client, and the
// link to its server. What is said here goes through the session, or nowhere.
import { VERDICT_MALFORMED_MESSAGE } from "../abi/verdict.ts";
import {
  INTERNAL_ERROR_CODE,
  idOfKey,
  notificationFrame,
  PARSE_ERROR_CODE,
  plainError,
} from "../proxy/answers.ts";
import { spanText } from "../proxy/json-members.ts";
import { GuardSession } from "../proxy/session.ts";
import type { GuardSessionOptions } from "../proxy/session-options.ts";
import { systemTimer } from "../proxy/timer.ts";
import { ClientStreams } from "./client-streams.ts";
import type { ConnectionOptions, Posted } from "./connection-options.ts";
import { statusOfAnswer } from "./error-status.ts";
import { Exchange } from "./exchange.ts";
import { frameOf, onOneLine } from "./line-breaks.ts";
import type { Link, LinkEvents, Outgoing } from "./link.ts";
import {
  headOf,
  keyOf,
  type MessageHead,
  progressTokenSpan,
  relatedSpans,
} from "./message-head.ts";
import { OpenRequests } from "./open-requests.ts";
import { asItCame, keptOf, type Origin, type Taken } from "./origin.ts";
import { withoutNames } from "./request-checks.ts";
import type { SseFields } from "./sse.ts";

const UNREADABLE: Uint8Array = plainError(
  null,
  PARSE_ERROR_CODE,
  "portcullis refused a message: expected one JSON-RPC message",
).subarray(0, -1);
const CANCELLED = "notifications/cancelled";
const NO_HEADERS: ReadonlyMap<string, string> = new Map();

export class Connection {
  readonly session: GuardSession;
  readonly #options: ConnectionOptions;
  readonly #link: Link;
  readonly #requests = new OpenRequests();
  /** Id keys of requests that the server has got and not answered. */
  readonly #sent = new Set<string>();
  readonly #streams = new ClientStreams();
  #origin: Origin | undefined;
  #hasEnded = false;
  /** The server has answered an `initialize` with a result. */
  #isOpened = false;

  constructor(options: ConnectionOptions) {
    const { timer = systemTimer } = options.session;
    this.#options = options;
    this.#link = options.link(this.#events());
    const session: GuardSessionOptions = {
      ...options.session,
      timer: (delayMs, run) => timer(delayMs, () => this.#decide(run)),
      laterTurn: () => {
        const origin = keptOf(this.#origin);
        return (run) => this.#within(origin, run);
      },
      onKept: (fault) => this.#fail(fault),
      toClient: (frame, callKey) => this.#toClient(frame, callKey),
      toServer: (frame) => this.#toServer(frame),
    };
    this.session = new GuardSession(session, options.drift);
  }

  /** No client waits for anything. */
  get isIdle(): boolean {
    return this.#requests.count === 0 && this.#streams.isIdle;
  }

  /** Streams of events that are open to the client. */
  get streamCount(): number {
    const answering = this.#requests.exchanges.filter(({ isStreaming }) => isStreaming);
    return answering.length + this.#streams.count;
  }

  /** A request with this id is in flight. */
  isBusyWith(key: string): boolean {
    return this.#requests.has(key) || this.session.isTaken(key);
  }

  /** Takes one message of the client. */
  async post(posted: Posted): Promise<Response> {
    const { body, forwarded } = posted;
    // WHY: what comes behind a newer catalog is not decided under the old one
    const { replacing } = this.session;
    if (replacing !== undefined) await replacing;
    const line = onOneLine(body);
    const head = headOf(line);
    const taken = { original: body, line };
    if (head === undefined || head.kind === "request") {
      return await this.#request(taken, head, posted);
    }
    const told: Promise<number>[] = [];
    const frame = frameOf(line);
    const catcher = new Exchange({ key: undefined, forwarded, onGone: () => undefined });
    const origin = { ...taken, exchange: undefined, nameless: catcher, forwarded, told };
    this.#within(origin, () => this.session.fromClient({ kind: "line", frame }));
    if (head.method === CANCELLED) for (const key of this.#requests.keys) this.#endUnasked(key);
    // a message that cannot be read is answered, whatever it looks like
    if (catcher.isAnswered) return await catcher.response;
    const failed = (await Promise.all(told)).find((status) => status >= 400);
    return new Response(null, { status: failed ?? 202 });
  }

  /** Opens the stream of what the server says of its own accord, or of what a client has missed. */
  listen(forwarded: ReadonlyMap<string, string>, signal: AbortSignal): Promise<Response> {
    const stream = this.#streams.open(forwarded);
    if (stream === undefined) {
      return Promise.resolve(new Response("too many streams at a time", { status: 409 }));
    }
    stream.follow(signal);
    this.#link.listen(stream);
    this.#streams.catchUp(stream);
    return stream.response;
  }

  /** The client ends its session. */
  async end(): Promise<number> {
    const status = await this.#link.end();
    if (status < 400 || status === 404) this.close("the client has ended the session");
    return status;
  }

  /** Answers whoever waits, and gives everything back. */
  close(detail: string): void {
    if (this.#hasEnded) return;
    this.#decide(() => {
      this.session.clientGone();
      this.session.serverGone(detail);
    });
    if (this.#hasEnded) return;
    this.#giveBack();
  }

  async #request(taken: Taken, head: MessageHead | undefined, posted: Posted): Promise<Response> {
    const { forwarded, signal } = posted;
    const key = head?.key ?? "null";
    const isOpening = head?.method === "initialize";
    const token = head === undefined ? undefined : progressTokenSpan(taken.line, head);
    const progressToken = token && spanText(taken.line, token);
    const exchange = new Exchange({
      key,
      forwarded,
      onGone: () => this.#gone(exchange),
      progressToken,
      headers: isOpening ? this.#options.sessionHeaders : {},
    });
    // an id that is in flight: the session refuses this one, and the other goes on
    const isFree = key !== "null" && !this.isBusyWith(key);
    if (isFree) this.#requests.open(key, exchange, taken);
    if (isOpening) void exchange.ended.then(() => this.#keepIfOpened(exchange));
    const origin = { ...taken, exchange, catcher: exchange, forwarded, told: [] };
    const frame = frameOf(taken.line);
    this.#within(origin, () => {
      // WHY: the session would send it on, and its answer would have nowhere to go
      const isStale = !isFree && key !== "null" && !this.session.isTaken(key);
      if (isStale) {
        const detail = "an id whose answer is on its way";
        this.session.recordRefused("client", VERDICT_MALFORMED_MESSAGE, detail);
      } else this.session.fromClient({ kind: "line", frame });
    });
    if (exchange.isOpen && !(isFree && this.session.isPending(key))) {
      // WHY: what the session has dropped nobody answers
      exchange.setStatus(400);
      exchange.answer(UNREADABLE);
    }
    // WHY: the refusal of an id that cannot be read does not name it
    if (!exchange.isOpen) this.#requests.forget(key, exchange);
    exchange.follow(signal);
    return await exchange.response;
  }

  #within(origin: Origin | undefined, run: () => void): void {
    const before = this.#origin;
    this.#origin = origin;
    try {
      this.#decide(run);
    } finally {
      this.#origin = before;
    }
  }

  /** Runs what judges a message. A fault of that ends the connection: nothing passes unjudged. */
  #decide(run: () => void): void {
    if (this.#hasEnded) return;
    try {
      run();
    } catch (fault) {
      this.#fail(fault);
    }
  }

  #fail(fault: unknown): void {
    this.#origin?.exchange?.end();
    this.#giveBack(fault);
  }

  #giveBack(fault?: unknown): void {
    this.#hasEnded = true;
    this.#requests.end();
    this.#streams.end();
    this.#link.close();
    this.#options.onEnd(fault);
  }

  #toServer(frame: Uint8Array): void {
    const line = frame.subarray(0, frame.length - 1);
    const head = headOf(line);
    const isRequest = head?.kind === "request";
    const key = isRequest ? head.key : undefined;
    const exchange = this.#requests.exchangeOf(key);
    const posted = key === undefined ? this.#origin : this.#requests.takenOf(key);
    const body = posted === undefined ? line : asItCame(line, posted);
    const message: Outgoing = { body, key, exchange, forwarded: this.#forwardedWith(key) };
    if (key === undefined) {
      const told = this.#link.tell(message);
      this.#origin?.told.push(told);
      return;
    }
    this.#sent.add(key);
    this.#link.request(message);
  }

  /** Headers that go with a message; a request of the guard's own repeats nothing of the client's. */
  #forwardedWith(key: string | undefined): ReadonlyMap<string, string> {
    const exchange = this.#requests.exchangeOf(key);
    const forwarded = exchange?.forwarded ?? this.#origin?.forwarded ?? NO_HEADERS;
    return key === undefined || exchange !== undefined ? forwarded : withoutNames(forwarded);
  }

  #toClient(frame: Uint8Array, callKey: string | undefined): void {
    const line = frame.subarray(0, frame.length - 1);
    const head = headOf(line);
    const origin = this.#origin;
    if (head?.kind === "response") {
      this.#isOpened ||= head.result !== undefined;
      this.#answer(line, head.key);
      return;
    }
    const related = this.#requests.exchangeOf(callKey);
    const target =
      related ?? this.#openOrigin() ?? this.#relatedTo(line, head) ?? this.#anyStream();
    if (target === undefined) this.#unhear(line);
    target?.push(line, callKey === undefined ? origin?.fields : undefined);
  }

  #answer(line: Uint8Array, key: string): void {
    const origin = this.#origin;
    const exchange = this.#waiting(key);
    const text = origin === undefined ? line : asItCame(line, origin);
    if (exchange === undefined) {
      // a server may say it again on another stream, to a client that has come back
      if (origin?.exchange?.isOpen === true) origin.exchange.push(line, origin.fields);
      return;
    }
    this.#requests.forget(key, exchange);
    // WHY: a server on a pipe has no statuses, and clients of this era go by them
    const isOfPipe = origin !== undefined && origin.exchange === undefined;
    if (isOfPipe && this.#options.era === "modern") exchange.setStatus(statusOfAnswer(line));
    if (key === "null") exchange.setStatus(400);
    exchange.answer(exchange.isStreaming ? line : text, origin?.fields);
  }

  /** Whose answer this is. */
  #waiting(key: string): Exchange | undefined {
    const { exchange: own, catcher, nameless } = this.#origin ?? {};
    // the one that is being taken, also where another with its id is in flight
    if (own?.isOpen === true && own.key === key) return own;
    const exchange = this.#requests.exchangeOf(key);
    if (exchange?.isOpen === true) return exchange;
    return catcher ?? (key === "null" ? nameless : undefined);
  }

  /** The response in which the server said it, or the request because of which it is said. */
  #openOrigin(): Exchange | undefined {
    const exchange = this.#origin?.exchange;
    return exchange?.isOpen === true ? exchange : undefined;
  }

  /** For a server on a pipe: the request that a notification speaks of. */
  #relatedTo(line: Uint8Array, head: MessageHead | undefined): Exchange | undefined {
    if (head === undefined) return undefined;
    const { subscription, progressToken } = relatedSpans(line, head);
    if (subscription !== undefined) return this.#requests.exchangeOf(keyOf(line, subscription));
    if (progressToken === undefined) return undefined;
    return this.#requests.withToken(spanText(line, progressToken));
  }

  /**
   * Keeps what a server on a pipe says before there is a stream for it. WHY: a child may ask for the
   * client's roots as soon as it is told that it is initialized.
   */
  #unhear(line: Uint8Array): void {
    const isOfPipe = this.#origin !== undefined && this.#origin.exchange === undefined;
    if (this.#options.era === "modern" || !isOfPipe) return;
    this.#streams.keep(line);
  }

  #anyStream(): Exchange | undefined {
    return this.#streams.any() ?? this.#requests.exchanges.find(({ isOpen }) => isOpen);
  }

  #events(): LinkEvents {
    return {
      message: (text, from, fields) => this.#fromServer(text, from, fields),
      oversized: (line) => this.#decide(() => this.session.fromServer(line)),
      settled: (key, detail) => this.#settled(key, detail),
      lost: () => this.#closeBehind("the server does not know the session any more"),
      ended: (detail) => this.#closeBehind(detail),
      paused: (key) => this.#endBehind(key),
      streamEnded: (stream) => this.session.behindServer(() => stream.end()),
      room: () => this.#room(),
      dropped: (detail) => this.session.recordRefused("server", VERDICT_MALFORMED_MESSAGE, detail),
    };
  }

  async #room(): Promise<void> {
    const full = [...this.#requests.exchanges, ...this.#streams.all()].filter((one) => one.isFull);
    await Promise.all(full.map((one) => one.room()));
  }

  #fromServer(original: Uint8Array, exchange: Exchange | undefined, fields?: SseFields): void {
    const line = onOneLine(original);
    const head = headOf(line);
    if (head?.kind === "response") this.#sent.delete(head.key);
    const origin = { original, line, exchange, fields, forwarded: NO_HEADERS, told: [] };
    const frame = frameOf(line);
    this.#within(origin, () => this.session.fromServer({ kind: "line", frame }));
    if (head?.kind === "response") this.#endUnasked(head.key);
  }

  /** Answers a request in the server's place, when it has not done so itself. */
  #settled(key: string, detail: string): void {
    if (!this.#sent.delete(key)) return;
    const frame = plainError(idOfKey(key), INTERNAL_ERROR_CODE, detail);
    this.#decide(() => this.session.fromServer({ kind: "line", frame }));
    this.#endBehind(key);
  }

  /** Ends the response to a request when all that the server has said was passed on. */
  #endBehind(key: string): void {
    const exchange = this.#requests.exchangeOf(key);
    if (exchange === undefined) return;
    this.session.behindServer(() => {
      // WHY: a stream that ends is what a client gets that has cancelled
      exchange.openStream();
      exchange.end();
      this.#requests.forget(key, exchange);
    });
  }

  /** Ends the response to a request that was cancelled, when nothing comes to it any more. */
  #endUnasked(key: string): void {
    if (!this.session.isTaken(key)) this.#endBehind(key);
  }

  #closeBehind(detail: string): void {
    this.session.behindServer(() => this.close(detail));
  }

  /** The client has closed the response to its request: in the modern era that cancels it. */
  #gone(exchange: Exchange): void {
    const { key } = exchange;
    if (key === undefined || this.#requests.exchangeOf(key) !== exchange) return;
    this.#requests.forget(key);
    const isOver = this.#link.abandon(key);
    // WHY: in the legacy era a client may come back for the answer
    if (this.#options.era === "legacy") return;
    const params = JSON.stringify({ requestId: idOfKey(key), reason: "the client has gone" });
    const frame = notificationFrame(CANCELLED, params);
    this.#decide(() => this.session.fromClient({ kind: "line", frame }));
    if (isOver) this.#settled(key, "the client has gone");
  }

  /** WHY: a client that could not open its session opens another one; each holds room, and a child. */
  #keepIfOpened(opening: Exchange): void {
    // a client may come back for the rest of a stream
    const isOver = opening.isAnswered || !opening.isStreaming;
    if (isOver && !this.#isOpened) this.close("the session was not opened");
  }
}
