// Sessions, drift, nonces, audit logs and the trust state in Redis.
import { utf8, utf8Text } from "../bytes.ts";
import {
  assertAdvances,
  assertTrustState,
  parseTrustState,
  serializeTrustState,
  type TrustState,
} from "../catalog/state.ts";
import { GuardError } from "../errors.ts";
import { LIMIT_SESSION_ANCESTORS } from "./limits.ts";
import { compareText } from "./order.ts";
import type { SessionTaint } from "./records.ts";
import { corruptReply, type RedisCaller } from "./redis-caller.ts";
import {
  driftGroup,
  driftMember,
  driftOf,
  integerOf,
  listOf,
  logOf,
  mapOf,
  textOf,
} from "./redis-rows.ts";
import * as scripts from "./redis-scripts.ts";
import {
  assertArgument,
  DRIFT,
  isHash,
  isMask,
  isNonce,
  isOrigin,
  isTimeMs,
  REGISTERED_LOG,
  readRecord,
} from "./shapes.ts";
import type { AsyncStateStore } from "./types.ts";

type Sessions = Pick<
  AsyncStateStore,
  "getTaint" | "addTaint" | "linkSession" | "listSessions" | "resetSession"
>;
type Host = Pick<
  AsyncStateStore,
  | "addDrift"
  | "listDrift"
  | "useNonce"
  | "registerLog"
  | "closeLog"
  | "listLogs"
  | "loadCatalogState"
  | "saveCatalogState"
>;

/** Times a trust state is compared anew because somebody else has moved it. */
const TRUST_ATTEMPTS = 16;

export function redisSessions(redis: RedisCaller): Sessions {
  return {
    getTaint: async (hash) => {
      assertSession(hash);
      return maskOf(await redis.run(scripts.GET_TAINT, hash));
    },
    addTaint: async (hash, mask) => {
      assertSession(hash);
      assertArgument("a mask of 32 bits", isMask, mask);
      return maskOf(await redis.run(scripts.ADD_TAINT, hash, String(mask)));
    },
    linkSession: async (child, parent) => {
      assertSession(child);
      assertSession(parent);
      return redis.isDone(scripts.LINK_SESSION, child, parent);
    },
    listSessions: async () => {
      const [masks, parents] = listOf(await redis.run(scripts.LIST_SESSIONS));
      return sessionsOf(mapOf(masks), mapOf(parents));
    },
    resetSession: async (hash) => {
      assertSession(hash);
      return redis.isDone(scripts.RESET_SESSION, hash);
    },
  };
}

export function redisHost(redis: RedisCaller): Host {
  const load = async (): Promise<string> => {
    const text = await redis.run(scripts.LOAD_TRUST);
    return text === null ? "" : textOf(text);
  };
  return {
    addDrift: async (given) => {
      const drift = readRecord(DRIFT, given, "ARGUMENT_INVALID");
      await redis.isDone(scripts.ADD_DRIFT, driftMember(drift));
    },
    listDrift: async (serverId, catalogSha256) => {
      const group = driftGroup(serverId, catalogSha256);
      const members = listOf(await redis.run(scripts.LIST_DRIFT, group));
      return members
        .map(driftOf)
        .sort((a, b) => compareText(a.kind, b.kind) || compareText(a.name, b.name));
    },
    useNonce: async (nonce, expiresAtMs, nowMs) => {
      assertArgument("a nonce of printable ascii", isNonce, nonce);
      assertArgument("a time in ms", isTimeMs, expiresAtMs);
      assertArgument("a time in ms", isTimeMs, nowMs);
      if (nowMs >= expiresAtMs) return false;
      return redis.isDone(scripts.USE_NONCE, nonce, String(expiresAtMs), String(nowMs));
    },
    registerLog: async (given) => {
      const log = readRecord(REGISTERED_LOG, { ...given, closedAtMs: null }, "ARGUMENT_INVALID");
      return redis.isDone(scripts.REGISTER_LOG, log.origin, JSON.stringify(log));
    },
    closeLog: async (origin, nowMs) => {
      assertArgument("the origin of a log", isOrigin, origin);
      assertArgument("a time in ms", isTimeMs, nowMs);
      return redis.isDone(scripts.CLOSE_LOG, origin, String(nowMs));
    },
    listLogs: async () => {
      const [logs, ends] = listOf(await redis.run(scripts.LIST_LOGS));
      const closed = mapOf(ends);
      return [...mapOf(logs)]
        .map(([origin, text]) => logOf(origin, text, closed.get(origin)))
        .sort((a, b) => a.createdAtMs - b.createdAtMs || compareText(a.origin, b.origin));
    },
    loadCatalogState: async () => stateOf(await load()),
    saveCatalogState: async (state) => {
      const { rootVersion, rootSha256, catalogVersion, catalogSha256 } = state;
      const next: TrustState = { rootVersion, rootSha256, catalogVersion, catalogSha256 };
      assertTrustState(next);
      const text = utf8Text(serializeTrustState(next)) ?? "";
      for (let attempt = 0; attempt < TRUST_ATTEMPTS; attempt++) {
        const before = await load();
        assertAdvances(stateOf(before), next);
        if (await redis.isDone(scripts.SAVE_TRUST, before, text)) return;
      }
      const message = "expected to keep the trust state, got others that were faster each time";
      throw new GuardError("STORE_UNAVAILABLE", message);
    },
  };
}

function stateOf(text: string): TrustState | undefined {
  return text === "" ? undefined : parseTrustState(utf8(text));
}

function sessionsOf(
  masks: ReadonlyMap<string, unknown>,
  parents: ReadonlyMap<string, unknown>,
): readonly SessionTaint[] {
  const taintOf = (hash: string): number => {
    let mask = 0;
    let at: string | undefined = hash;
    for (let depth = 0; at !== undefined; depth++) {
      if (depth > LIMIT_SESSION_ANCESTORS) throw corruptReply();
      mask = (mask | maskOf(masks.get(at))) >>> 0;
      const parent = parents.get(at);
      at = parent === undefined ? undefined : textOf(parent);
    }
    return mask;
  };
  return [...masks]
    .map(([sessionHash, own]) => {
      if (!isHash(sessionHash)) throw corruptReply();
      const parent = parents.get(sessionHash);
      return Object.freeze({
        sessionHash,
        own: maskOf(own),
        taint: taintOf(sessionHash),
        parent: parent === undefined ? null : textOf(parent),
      });
    })
    .sort((a, b) => compareText(a.sessionHash, b.sessionHash));
}

function maskOf(value: unknown): number {
  const mask = integerOf(value);
  if (!isMask(mask)) throw corruptReply();
  return mask;
}

function assertSession(hash: string): void {
  assertArgument("a session hash of 64 lower-case hex digits", isHash, hash);
}
