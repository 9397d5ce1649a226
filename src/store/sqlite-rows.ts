// Rows of `state.db` as records. Whatever a row holds, a record that comes out of here is sound.
import { GuardError } from "../errors.ts";
import type { Consent, Drift, GivenAnswer, Lease, Question, RegisteredLog } from "./records.ts";
import {
  CONSENT,
  DRIFT,
  GIVEN_ANSWER,
  isHash,
  isMask,
  LEASE,
  QUESTION,
  REGISTERED_LOG,
  readRecord,
} from "./shapes.ts";
import type { Row } from "./sql-tables.ts";

/** @throws {GuardError} STORE_CORRUPT, as all of these. */
export function leaseOf(row: Row): Lease {
  const lease = {
    id: row["id"],
    principalHash: row["principal"],
    serverId: row["server"],
    grantedTools: jsonOf(row["tools"]),
    createdAtMs: row["created_ms"],
    expiresAtMs: row["expires_ms"],
    maxInvocations: row["max_invocations"],
    remaining: row["remaining"],
    stateChanging: flagOf(row["state_changing"]),
    argsDigest: row["args_digest"],
    revoked: flagOf(row["revoked"]),
  };
  return readRecord(LEASE, lease, "STORE_CORRUPT");
}

export function consentOf(row: Row): Consent {
  const consent = {
    id: row["id"],
    principalHash: row["principal"],
    serverId: row["server"],
    kind: row["kind"],
    itemName: row["item"],
    itemFingerprint: row["fingerprint"],
    argsDigest: row["args_digest"],
    sessionHash: row["session"],
    imageDigest: row["image"],
    asking: row["asking"],
    taint: row["taint"],
    hadLease: flagOf(row["had_lease"]),
    createdAtMs: row["created_ms"],
    expiresAtMs: row["expires_ms"],
    textHash: row["text_hash"],
    channel: row["channel"],
    singleUse: flagOf(row["single_use"]),
  };
  return readRecord(CONSENT, consent, "STORE_CORRUPT");
}

export function questionOf(row: Row): Question {
  const question = {
    id: row["id"],
    principalHash: row["principal"],
    serverId: row["server"],
    sessionHash: row["session"],
    kind: row["kind"],
    itemName: row["item"],
    text: row["text"],
    channels: jsonOf(row["channels"]),
    createdAtMs: row["created_ms"],
    expiresAtMs: row["expires_ms"],
  };
  return readRecord(QUESTION, question, "STORE_CORRUPT");
}

/** The answer of a question; `undefined` when it waits. */
export function answerOf(row: Row): GivenAnswer | undefined {
  if (row["answer"] === null) return undefined;
  const given = {
    answer: jsonOf(row["answer"]),
    channel: row["answer_channel"],
    answeredAtMs: row["answered_ms"],
  };
  return readRecord(GIVEN_ANSWER, given, "STORE_CORRUPT");
}

export function driftOf(row: Row): Drift {
  const drift = {
    serverId: row["server"],
    kind: row["kind"],
    name: row["name"],
    catalogSha256: row["catalog"],
  };
  return readRecord(DRIFT, drift, "STORE_CORRUPT");
}

export function logOf(row: Row): RegisteredLog {
  const log = {
    origin: row["origin"],
    path: row["path"],
    createdAtMs: row["created_ms"],
    closedAtMs: row["closed_ms"],
    ...(row["public"] === null ? {} : { public: row["public"] }),
  };
  return readRecord(REGISTERED_LOG, log, "STORE_CORRUPT");
}

export function maskOf(value: unknown): number {
  if (typeof value === "number" && isMask(value)) return value;
  throw damaged("a mask");
}

export function hashOf(value: unknown): string {
  if (typeof value === "string" && isHash(value)) return value;
  throw damaged("a hash");
}

export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  throw damaged("a text");
}

export function integerOf(value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  throw damaged("an integer");
}

function jsonOf(value: unknown): unknown {
  try {
    return JSON.parse(textOf(value));
  } catch (cause) {
    if (cause instanceof GuardError) throw cause;
    throw damaged("a list", cause);
  }
}

/** 0 or 1; anything else stays as it is, and is refused as the flag it should be. */
function flagOf(value: unknown): unknown {
  return value === 0 || value === 1 ? value === 1 : value;
}

function damaged(what: string, cause?: unknown): GuardError {
  const message = `expected ${what} in the store, got something else; restore it from a backup`;
  return new GuardError("STORE_CORRUPT", message, { cause });
}
