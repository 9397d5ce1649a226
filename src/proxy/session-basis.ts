// What of a connection's options stays the same under every catalog, with the defaults filled in.
import { LIMIT_MESSAGE_STDIO_BYTES } from "../abi/limits.ts";
import { monotonicMs, randomBytes, randomUuid, systemClock } from "../clock.ts";
import { GuardError } from "../errors.ts";
import { AsyncDecider } from "../guard/decide-async.ts";
import { NO_GRANTS } from "../guard/gateway-parts.ts";
import { GrantAccess } from "../guard/grant-access.ts";
import {
  createRequestIdentity,
  isRequestIdentity,
  type RequestIdentity,
} from "../guard/identity.ts";
import { PRINCIPAL_DEFAULT } from "../guard/principal-match.ts";
import { createMemoryStore } from "../store/memory.ts";
import { CONSENT_KEY_SIZE } from "./consent-state.ts";
import type { GuardSessionOptions } from "./session-options.ts";
import type { SessionBasis } from "./session-parts.ts";
import { systemTimer, type Timer } from "./timer.ts";

/** What of the basis the session does itself. */
export interface SessionTurns extends Pick<SessionBasis, "goOn"> {
  /** Runs what a timer runs as a turn of the session. */
  readonly turn: (run: () => void) => void;
}

/** @throws {GuardError} ARGUMENT_INVALID for a short key, a look-alike, or a name that is none */
export function basisOf(options: GuardSessionOptions, turns: SessionTurns): SessionBasis {
  const { common, consentKey = randomBytes(CONSENT_KEY_SIZE), timer = systemTimer } = options;
  if (consentKey.length < CONSENT_KEY_SIZE) {
    const message = `expected a key of at least ${CONSENT_KEY_SIZE} bytes, got ${consentKey.length}`;
    throw new GuardError("ARGUMENT_INVALID", message);
  }
  const store = options.store ?? createMemoryStore();
  const isLater = store.mode === "async";
  const identity = identityOf(options);
  const turnTimer: Timer = (delayMs, run) => timer(delayMs, () => turns.turn(run));
  return {
    serverId: options.serverId,
    identity,
    sessions: [identity.sessionHash, ...identity.ancestorHashes],
    store,
    isStoreShared: options.isStoreShared ?? common?.isStoreShared ?? options.store !== undefined,
    rules: options.rules,
    access: isLater ? new GrantAccess(NO_GRANTS) : (common?.access ?? new GrantAccess(store)),
    later: isLater ? AsyncDecider.of(store) : undefined,
    goOn: turns.goOn,
    consentKey: new Uint8Array(consentKey),
    protectedPaths: options.protectedPaths,
    audit: options.audit,
    auditMode: options.auditMode ?? "required",
    scopeCap: options.scopeCap,
    denyAs: options.denyAs ?? "error",
    messageSizeMax: options.messageSizeMax ?? LIMIT_MESSAGE_STDIO_BYTES,
    clock: options.clock ?? systemClock,
    monotonic: options.monotonic ?? monotonicMs,
    timer: turnTimer,
    uuid: options.uuid ?? randomUuid,
    toClient: options.toClient,
    toServer: options.toServer,
    onRecord: options.onRecord,
  };
}

function identityOf({ identity, principal, sessionId }: GuardSessionOptions): RequestIdentity {
  if (identity === undefined) {
    return createRequestIdentity({
      principal: principal ?? PRINCIPAL_DEFAULT,
      sessionId: sessionId ?? `connection:${randomUuid()}`,
    });
  }
  if (isRequestIdentity(identity)) return identity;
  const message = "expected an identity of createRequestIdentity, got a look-alike";
  throw new GuardError("ARGUMENT_INVALID", message);
}
