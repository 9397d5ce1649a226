// What a host remembers, in memory: drift, nonces, audit logs, the trust state.
import { assertAdvances, assertTrustState, type TrustState } from "../catalog/state.ts";
import { purgeSome } from "./memory-purge.ts";
import { compareText } from "./order.ts";
import type { Drift, RegisteredLog } from "./records.ts";
import {
  assertArgument,
  DRIFT,
  isNonce,
  isOrigin,
  isTimeMs,
  REGISTERED_LOG,
  readRecord,
} from "./shapes.ts";
import type { HostOperations } from "./types.ts";

export function memoryHost(): HostOperations {
  return { ...drifts(), ...nonces(), ...logs(), ...trustState() };
}

function drifts(): Pick<HostOperations, "addDrift" | "listDrift"> {
  const found = new Map<string, Drift>();
  return {
    addDrift: (drift) => {
      const kept = readRecord(DRIFT, drift, "ARGUMENT_INVALID");
      const { serverId, catalogSha256, kind, name } = kept;
      found.set(JSON.stringify([serverId, catalogSha256, kind, name]), kept);
    },
    listDrift: (serverId, catalogSha256) =>
      [...found.values()]
        .filter((drift) => drift.serverId === serverId && drift.catalogSha256 === catalogSha256)
        .sort((a, b) => compareText(a.kind, b.kind) || compareText(a.name, b.name)),
  };
}

function nonces(): Pick<HostOperations, "useNonce"> {
  const used = new Map<string, number>();
  /** The latest expiry of a nonce that was forgotten. */
  let forgottenMs = -1;
  return {
    useNonce: (nonce, expiresAtMs, nowMs) => {
      assertArgument("a nonce of printable ascii", isNonce, nonce);
      assertArgument("a time in ms", isTimeMs, expiresAtMs);
      assertArgument("a time in ms", isTimeMs, nowMs);
      if (nowMs >= expiresAtMs) return false;
      purgeSome(
        used,
        (expiry) => expiry <= nowMs,
        (_, expiry) => {
          forgottenMs = Math.max(forgottenMs, expiry);
        },
      );
      if (expiresAtMs <= forgottenMs || used.has(nonce)) return false;
      used.set(nonce, expiresAtMs);
      return true;
    },
  };
}

function logs(): Pick<HostOperations, "registerLog" | "closeLog" | "listLogs"> {
  const known = new Map<string, RegisteredLog>();
  return {
    registerLog: (log) => {
      const kept = readRecord(REGISTERED_LOG, { ...log, closedAtMs: null }, "ARGUMENT_INVALID");
      if (known.has(kept.origin)) return false;
      known.set(kept.origin, kept);
      return true;
    },
    closeLog: (origin, nowMs) => {
      assertArgument("the origin of a log", isOrigin, origin);
      assertArgument("a time in ms", isTimeMs, nowMs);
      const log = known.get(origin);
      if (log === undefined) return false;
      const closedAtMs = log.closedAtMs ?? nowMs;
      known.set(origin, Object.freeze({ ...log, closedAtMs }));
      return true;
    },
    listLogs: () =>
      [...known.values()].sort(
        (a, b) => a.createdAtMs - b.createdAtMs || compareText(a.origin, b.origin),
      ),
  };
}

function trustState(): Pick<HostOperations, "loadCatalogState" | "saveCatalogState"> {
  let stored: TrustState | undefined;
  return {
    loadCatalogState: () => stored,
    saveCatalogState: (state) => {
      const { rootVersion, rootSha256, catalogVersion, catalogSha256 } = state;
      const next = { rootVersion, rootSha256, catalogVersion, catalogSha256 };
      assertTrustState(next);
      assertAdvances(stored, next);
      stored = Object.freeze(next);
    },
  };
}
