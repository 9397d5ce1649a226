// portcullis/store/durable-object: the store at the edge (80-runtimes section 5).
import { assertTrustState, type TrustState } from "../catalog/state.ts";
import { GuardError } from "../errors.ts";
import {
  isObject,
  LIMIT_WIRE_BYTES,
  readAnswer,
  type WireOperation,
  wireText,
} from "./durable-wire.ts";
import { RemoteCalls } from "./remote-calls.ts";
import {
  CONSENT,
  DRIFT,
  GIVEN_ANSWER,
  isCount,
  isMask,
  LEASE,
  QUESTION,
  REGISTERED_LOG,
  readRecord,
  SESSION_TAINT,
  type Shape,
} from "./shapes.ts";
import type { AsyncStateStore } from "./types.ts";

export { PortcullisStore } from "./durable-object-class.ts";
export type { DurableObjectContext } from "./durable-tables.ts";
export type { AsyncStateStore } from "./types.ts";

/** What a store needs of the stub of an object: `namespace.get(id)`. */
export interface DurableObjectStub {
  fetch(url: string, init: { method: string; body: string }): Promise<Response>;
}

export interface DurableObjectStoreOptions {
  /** How long an operation waits for its answer, in ms. Default 2 000. */
  readonly timeoutMs?: number | undefined;
}

/** Nobody listens there; a stub asks for some url. */
const URL_OF_STORE = "https://portcullis.store/";

/**
 * The store in one Durable Object of the class `PortcullisStore`. Makes no call itself, so that a Worker
 * can open it for each request.
 *
 * @throws {GuardError} ARGUMENT_INVALID for a timeout that is none
 * @example const store = openDurableObjectStore(env.STORE.get(env.STORE.idFromName("guards")));
 */
export function openDurableObjectStore(
  stub: DurableObjectStub,
  { timeoutMs }: DurableObjectStoreOptions = {},
): AsyncStateStore {
  const calls = new RemoteCalls({ what: "Durable Object", timeoutMs });
  const ask = async (operation: WireOperation, ...args: readonly unknown[]): Promise<unknown> => {
    const body = wireText(operation, args);
    return calls.run(async () => {
      const response = await stub.fetch(URL_OF_STORE, { method: "POST", body });
      if (!response.ok) throw new TypeError(`status ${response.status}`);
      const text = await response.text();
      if (text.length > LIMIT_WIRE_BYTES) throw new TypeError("an answer over the limit");
      return readAnswer(text);
    });
  };
  const isDone = async (operation: WireOperation, ...args: readonly unknown[]): Promise<boolean> =>
    flagOf(await ask(operation, ...args));
  return {
    mode: "async",
    putLease: async (lease) => isDone("putLease", readRecord(LEASE, lease, "ARGUMENT_INVALID")),
    getLease: async (id) => maybe(LEASE, await ask("getLease", id)),
    findLeases: async (principal, server) =>
      list(LEASE, await ask("findLeases", principal, server)),
    listLeases: async () => list(LEASE, await ask("listLeases")),
    consumeLease: async (id, remaining) =>
      (remaining === null || isCount(remaining)) && isDone("consumeLease", id, remaining),
    revokeLease: (id) => isDone("revokeLease", id),
    putConsent: async (consent) =>
      isDone("putConsent", readRecord(CONSENT, consent, "ARGUMENT_INVALID")),
    findConsents: async (principal, server, fingerprint) =>
      list(CONSENT, await ask("findConsents", principal, server, fingerprint)),
    listConsents: async () => list(CONSENT, await ask("listConsents")),
    consumeConsent: (id) => isDone("consumeConsent", id),
    revokeConsent: (id) => isDone("revokeConsent", id),
    putQuestion: async (question) =>
      isDone("putQuestion", readRecord(QUESTION, question, "ARGUMENT_INVALID")),
    listQuestions: async (nowMs) => list(QUESTION, await ask("listQuestions", nowMs)),
    answerQuestion: (id, answer, channel, nowMs) =>
      isDone("answerQuestion", id, answer, channel, nowMs),
    getAnswer: async (id) => maybe(GIVEN_ANSWER, await ask("getAnswer", id)),
    removeQuestion: (id) => isDone("removeQuestion", id),
    getTaint: async (session) => maskOf(await ask("getTaint", session)),
    addTaint: async (session, mask) => maskOf(await ask("addTaint", session, mask)),
    linkSession: (child, parent) => isDone("linkSession", child, parent),
    listSessions: async () => list(SESSION_TAINT, await ask("listSessions")),
    resetSession: (session) => isDone("resetSession", session),
    addDrift: async (drift) => {
      await ask("addDrift", readRecord(DRIFT, drift, "ARGUMENT_INVALID"));
    },
    listDrift: async (server, catalog) => list(DRIFT, await ask("listDrift", server, catalog)),
    useNonce: (nonce, expiresAtMs, nowMs) => isDone("useNonce", nonce, expiresAtMs, nowMs),
    registerLog: (log) => isDone("registerLog", log),
    closeLog: (origin, nowMs) => isDone("closeLog", origin, nowMs),
    listLogs: async () => list(REGISTERED_LOG, await ask("listLogs")),
    loadCatalogState: async () => trustStateOf(await ask("loadCatalogState")),
    saveCatalogState: async (state) => {
      const { rootVersion, rootSha256, catalogVersion, catalogSha256 } = state;
      const next: TrustState = { rootVersion, rootSha256, catalogVersion, catalogSha256 };
      assertTrustState(next);
      await ask("saveCatalogState", next);
    },
    close: async () => calls.close(),
  };
}

function list<T>(shape: Shape<T>, value: unknown): readonly T[] {
  if (!Array.isArray(value)) throw corrupt();
  return value.map((record: unknown) => readRecord(shape, record, "STORE_CORRUPT"));
}

function maybe<T>(shape: Shape<T>, value: unknown): T | undefined {
  return value === undefined ? undefined : readRecord(shape, value, "STORE_CORRUPT");
}

function flagOf(value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw corrupt();
}

function maskOf(value: unknown): number {
  if (typeof value === "number" && isMask(value)) return value;
  throw corrupt();
}

function trustStateOf(value: unknown): TrustState | undefined {
  if (value === undefined) return undefined;
  const { rootVersion, rootSha256, catalogVersion, catalogSha256 } = isObject(value) ? value : {};
  if (typeof rootVersion !== "number" || typeof catalogVersion !== "number") throw corrupt();
  if (typeof rootSha256 !== "string" || typeof catalogSha256 !== "string") throw corrupt();
  const state = { rootVersion, rootSha256, catalogVersion, catalogSha256 };
  assertTrustState(state);
  return Object.freeze(state);
}

function corrupt(): GuardError {
  const message =
    "expected an answer of a store, got something else; look at what the stub leads to";
  return new GuardError("STORE_CORRUPT", message);
}
