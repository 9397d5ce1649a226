// A client transport behind the guard: every message passes a GuardSession as one line, and what was
// judged is what goes on.
//
// The SDKs parse before a wrapper sees anything: lines are `JSON.stringify` of what they parsed, so
// duplicate members and the digits of large integers were lost before (50-proxy section 5).
import { LIMIT_MESSAGE_STDIO_BYTES } from "../abi/limits.ts";
import type { AuditSink } from "../audit/event.ts";
import { withOtel } from "../audit/otel.ts";
import { utf8, utf8Text } from "../bytes.ts";
import { GuardError } from "../errors.ts";
import { GUARD_ID_PREFIX } from "./complete-listing.ts";
import type { FramedLine } from "./framing.ts";
import { GuardSession } from "./session.ts";
import type { GuardSessionOptions } from "./session-options.ts";
import { systemTimer } from "./timer.ts";
import { OpenRequests } from "./transport-requests.ts";
import {
  FORWARDED_MEMBERS,
  type InnerTransport,
  type JsonRpcMessage,
  type Receive,
} from "./transport-types.ts";

/** Of a guarded transport; the connection's two ends are its own. */
export type GuardedTransportOptions = Omit<GuardSessionOptions, "toClient" | "toServer" | "timer">;

const CANCELLED = "notifications/cancelled";
const INTERNAL_ERROR = -32_603;

/** One `send` while it runs: what it sends on at once, and how. */
interface Sending {
  readonly options: object | undefined;
  sent: Promise<void> | undefined;
}

/**
 * A transport in the shape of both SDKs. A plain class: a client sees what the inner transport has, and
 * nothing by which it could start a server beside the guard.
 */
export class GuardedTransport implements InnerTransport {
  onmessage?: Receive;
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  readonly audit: AuditSink | undefined;
  readonly #inner: InnerTransport;
  readonly #settings: GuardSessionOptions;
  /** `undefined` until `start`, with a store that answers later. */
  #opened: GuardSession | undefined;
  readonly #requests = new OpenRequests();
  /** What `onmessage` of the inner transport was given beside a response that waits here, by id. */
  readonly #extras = new Map<string, unknown>();
  /** Ids whose answer the client does not get, because its `send` fails. */
  readonly #failed = new Set<string>();
  /** What goes out when the session has handled its message. */
  #outbox: (() => void)[] = [];
  #depth = 0;
  #sending: Sending | undefined;
  #extra: unknown;
  #isCalledOff = false;
  #isGone = false;
  #fault: { readonly error: unknown } | undefined;

  /** @throws {GuardError} as `GuardSession` */
  constructor(inner: InnerTransport, options: GuardedTransportOptions) {
    this.#inner = inner;
    this.audit = options.audit;
    this.#settings = {
      ...options,
      audit: options.audit === undefined ? undefined : withOtel(options.audit),
      // WHY: what a listener throws is a fault wherever the session is, also behind a store's answer
      onRecord: (record) => {
        try {
          options.onRecord?.(record);
        } catch (error) {
          this.#fail(error);
        }
      },
      // WHY: nobody calls a timer who could catch its fault
      timer: (delayMs, run) => systemTimer(delayMs, () => this.#feed(run)),
      toClient: (frame) => this.#toClient(frame),
      toServer: (frame) => this.#toServer(frame),
    };
    if (options.store?.mode !== "async") this.#opened = new GuardSession(this.#settings);
    for (const name of FORWARDED_MEMBERS) forwardMember(this, inner, name);
  }

  /**
   * Starts the inner transport; handlers that were set on it before are still told.
   *
   * @throws {GuardError} STORE_UNAVAILABLE or STORE_CORRUPT when what has drifted cannot be read
   */
  async start(): Promise<void> {
    this.#opened ??= await GuardSession.open(this.#settings);
    const inner = this.#inner;
    const { onclose, onerror } = inner;
    inner.onmessage = (message, extra) => this.#received(message, extra);
    inner.onerror = (error) => {
      onerror?.(error);
      this.onerror?.(error);
    };
    inner.onclose = () => {
      onclose?.();
      this.#gone();
    };
    await inner.start();
  }

  /**
   * Sends one message, if it may be sent. A refused request is answered here, and that is no fault:
   * the promise then resolves. It settles when the message was sent, also where that has to wait
   * for the guard's own listing or for a person.
   */
  async send(message: JsonRpcMessage, options?: object): Promise<void> {
    this.#assertOpen();
    const session = this.#session;
    // WHY: one copy; what is judged is what is sent, whatever a getter says the second time
    const line = JSON.stringify(message);
    const copy = parsed(line);
    const key = requestKey(copy);
    const isFirst = key !== undefined && this.#requests.get(key) === undefined;
    if (key !== undefined) this.#requests.add(key, options, () => this.#callOff(key));
    const sending: Sending = { options, sent: undefined };
    this.#feed(() => {
      this.#sending = sending;
      try {
        session.fromClient(framed(line, copy));
      } finally {
        this.#sending = undefined;
      }
    });
    const cancelled = cancelledKey(copy);
    if (cancelled !== undefined) this.#requests.close(cancelled);
    if (this.#fault !== undefined) throw this.#fault.error;
    const open = isFirst ? this.#requests.get(key) : undefined;
    await (sending.sent ?? open?.sent);
  }

  async close(): Promise<void> {
    this.#feed(() => this.#opened?.clientGone());
    await this.#inner.close();
    this.#gone();
  }

  get #session(): GuardSession {
    if (this.#opened !== undefined) return this.#opened;
    throw new GuardError(
      "TRANSPORT_CLOSED",
      "expected a transport that was started, got one before",
    );
  }

  #assertOpen(): void {
    if (this.#fault !== undefined) throw this.#fault.error;
    if (!this.#isGone) return;
    throw new GuardError(
      "TRANSPORT_CLOSED",
      "expected an open connection, got one that has ended; make a new transport",
    );
  }

  #received(message: unknown, extra: unknown): void {
    if (this.#isGone) return;
    this.#feed(() => {
      const line = JSON.stringify(message);
      const copy = parsed(line);
      const key = responseKey(copy);
      if (key !== undefined && extra !== undefined && this.#requests.get(key) !== undefined) {
        this.#extras.set(key, extra);
      }
      this.#extra = extra;
      try {
        this.#session.fromServer(framed(line, copy));
      } finally {
        this.#extra = undefined;
      }
    });
  }

  #toClient(frame: Uint8Array): void {
    const message = messageOf(frame);
    const key = responseKey(message);
    if (key !== undefined && this.#failed.has(key)) return;
    const extra = (key === undefined ? undefined : this.#extras.get(key)) ?? this.#extra;
    if (key !== undefined) {
      this.#extras.delete(key);
      this.#requests.close(key);
    }
    this.#push(() => {
      if (!this.#isGone) this.onmessage?.(message, extra);
    });
  }

  #toServer(frame: Uint8Array): void {
    const message = messageOf(frame);
    // the end of its own stream says it already
    if (this.#isCalledOff && message["method"] === CANCELLED) return;
    const key = requestKey(message);
    if (key?.startsWith(OWN_KEY) === true) {
      this.#push(() => this.#sendOwn(message));
      return;
    }
    const open = key === undefined ? undefined : this.#requests.get(key);
    const sending = key === undefined ? this.#sending : undefined;
    this.#push(() => {
      const sent = this.#sendInner(message, open?.options ?? sending?.options);
      if (open !== undefined && key !== undefined) {
        sent.then(
          () => open.settle(),
          (error: unknown) => {
            open.settle({ error });
            this.#answerFailed(message, key);
          },
        );
      } else if (sending !== undefined) {
        sending.sent = sent;
      } else {
        sent.catch((error: unknown) => this.#tell(error));
      }
    });
  }

  /** A message of the guard's own: when it cannot be sent, the session is told so. */
  #sendOwn(message: JsonRpcMessage): void {
    this.#sendInner(message, undefined).catch((error: unknown) => {
      this.#tell(error);
      this.#feed(() => this.#session.fromServer(errorFrame(message["id"])));
    });
  }

  /** WHY: async, so that what throws at once is a rejection like any other. */
  async #sendInner(message: JsonRpcMessage, options: object | undefined): Promise<void> {
    await this.#inner.send(message, options);
  }

  /** The request of a `send` that fails is open no longer. */
  #answerFailed(message: JsonRpcMessage, key: string): void {
    this.#failed.add(key);
    this.#feed(() => this.#session.fromServer(errorFrame(message["id"])));
    this.#failed.delete(key);
    this.#requests.close(key);
  }

  /** The client gives a request up, or nobody will answer it any more. */
  #callOff(key: string): void {
    if (this.#isGone || this.#requests.get(key) === undefined) return;
    const requestId: unknown = JSON.parse(key);
    const notice = { jsonrpc: "2.0", method: CANCELLED, params: { requestId } };
    this.#feed(() => {
      this.#isCalledOff = true;
      try {
        this.#session.fromClient(framed(JSON.stringify(notice), notice));
      } finally {
        this.#isCalledOff = false;
      }
    });
    this.#requests.close(key);
  }

  #gone(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    // a client answers its own requests when it hears of the end
    this.#feed(() => this.#opened?.serverGone("the connection has ended"));
    this.#requests.closeAll();
    this.#extras.clear();
    this.onclose?.();
  }

  /**
   * Runs what judges a message or writes a record, then sends what came of it. A fault of that ends
   * the connection: nothing is passed on unjudged.
   */
  #feed(run: () => void): void {
    if (this.#fault !== undefined) return;
    this.#depth += 1;
    try {
      run();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#depth -= 1;
    }
    // WHY: a transport in memory answers while it is sent to, and the session handles one at a time
    if (this.#depth > 0) return;
    for (let out = this.#outbox.shift(); out !== undefined; out = this.#outbox.shift()) {
      this.#depth += 1;
      try {
        out();
      } catch (error) {
        this.#tell(error);
      } finally {
        this.#depth -= 1;
      }
    }
  }

  /** WHY: a store that answers later lets the session go on outside of any message. */
  #push(out: () => void): void {
    if (this.#fault !== undefined) return;
    this.#outbox.push(out);
    if (this.#depth === 0) queueMicrotask(() => this.#feed(() => undefined));
  }

  #fail(error: unknown): void {
    if (this.#fault !== undefined) return;
    this.#fault = { error };
    this.#outbox = [];
    this.#requests.closeAll({ error });
    this.#tell(error);
    this.#inner.close().catch((fault: unknown) => this.#tell(fault));
  }

  #tell(error: unknown): void {
    this.onerror?.(error instanceof Error ? error : new Error(String(error)));
  }
}

const OWN_KEY = JSON.stringify(GUARD_ID_PREFIX).slice(0, -1);

/** A member of the inner transport, where it has one, under the same name. */
function forwardMember(outer: object, inner: object, name: string): void {
  if (!(name in inner)) return;
  const first: unknown = Reflect.get(inner, name);
  if (typeof first === "function") {
    const forward = (...parameters: unknown[]): unknown => Reflect.apply(first, inner, parameters);
    Object.defineProperty(outer, name, { value: forward, configurable: true, writable: true });
    return;
  }
  Object.defineProperty(outer, name, {
    configurable: true,
    enumerable: true,
    get: () => Reflect.get(inner, name),
    set: (value: unknown) => void Reflect.set(inner, name, value),
  });
}

/** The object that a line holds; of anything else an empty one, which the session refuses. */
function parsed(line: string | undefined): JsonRpcMessage {
  const value: unknown = line === undefined ? undefined : JSON.parse(line);
  return isRecord(value) ? value : {};
}

function isRecord(value: unknown): value is JsonRpcMessage {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function messageOf(frame: Uint8Array): JsonRpcMessage {
  return parsed(utf8Text(frame));
}

/** The line as a splitter would give it. */
function framed(line: string | undefined, { id }: JsonRpcMessage): FramedLine {
  const frame = utf8(`${line ?? ""}\n`);
  const sizeBytes = frame.length - 1;
  if (sizeBytes <= LIMIT_MESSAGE_STDIO_BYTES) return { kind: "line", frame };
  return { kind: "too-long", sizeBytes, idText: isId(id) ? utf8(JSON.stringify(id)) : undefined };
}

function isId(id: unknown): id is string | number {
  return typeof id === "string" || typeof id === "number";
}

/** JSON of the id of a request; `undefined` for any other message. */
function requestKey({ id, method }: JsonRpcMessage): string | undefined {
  return isId(id) && method !== undefined ? JSON.stringify(id) : undefined;
}

/** JSON of the id of a response. */
function responseKey({ id, method }: JsonRpcMessage): string | undefined {
  return isId(id) && method === undefined ? JSON.stringify(id) : undefined;
}

/** JSON of the id of the request that a cancellation is about. */
function cancelledKey({ method, params }: JsonRpcMessage): string | undefined {
  if (method !== CANCELLED || !isRecord(params)) return undefined;
  const { requestId } = params;
  return isId(requestId) ? JSON.stringify(requestId) : undefined;
}

function errorFrame(id: unknown): FramedLine {
  const error = { code: INTERNAL_ERROR, message: "the message could not be sent" };
  const answer = { jsonrpc: "2.0", id, error };
  return framed(JSON.stringify(answer), answer);
}
