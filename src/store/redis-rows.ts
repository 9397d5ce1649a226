// What Redis holds as records, and back. Whatever a row holds, a record that comes out is sound.
import { GuardError } from "../errors.ts";
import type { Consent, Drift, GivenAnswer, Lease, Question, RegisteredLog } from "./records.ts";
import { corruptReply } from "./redis-caller.ts";
import {
  CONSENT,
  DRIFT,
  GIVEN_ANSWER,
  LEASE,
  QUESTION,
  REGISTERED_LOG,
  readRecord,
  type Shape,
} from "./shapes.ts";

const ANY = "any";
const REVOKED = "!";

/** Leases of a principal on a server. */
export function leaseGroup(principalHash: string, serverId: string): string {
  return `${principalHash} ${serverId}`;
}

/** Consents of a principal for a definition. */
export function consentGroup(principalHash: string, serverId: string, fingerprint: string): string {
  return `${principalHash} ${serverId} ${fingerprint}`;
}

export function driftGroup(serverId: string, catalogSha256: string): string {
  return `${serverId} ${catalogSha256}`;
}

export function leaseRow(lease: Lease): string {
  return `${leaseGroup(lease.principalHash, lease.serverId)}\n-${JSON.stringify(lease)}`;
}

export function consentRow(consent: Consent): string {
  const { principalHash, serverId, itemFingerprint, singleUse } = consent;
  const group = consentGroup(principalHash, serverId, itemFingerprint);
  return `${group}\n${singleUse ? "1" : "*"}${JSON.stringify(consent)}`;
}

export function questionRow(question: Question): string {
  return `${question.channels.join(" ")}\n-${JSON.stringify(question)}`;
}

export function driftMember({ serverId, catalogSha256, kind, name }: Drift): string {
  return `${driftGroup(serverId, catalogSha256)}\n${JSON.stringify([kind, name])}`;
}

/** What is left of a lease, as scripts compare it. */
export function leftText(remaining: number | null, isRevoked = false): string {
  return `${isRevoked ? REVOKED : ""}${remaining === null ? ANY : remaining}`;
}

/** @throws {GuardError} STORE_CORRUPT, as all of these, for what no store writes */
export function leaseOf(id: string, row: unknown, left: unknown): Lease {
  if (typeof left !== "string") throw corruptReply();
  const revoked = left.startsWith(REVOKED);
  const count = revoked ? left.slice(REVOKED.length) : left;
  if (count !== ANY && !/^[0-9]{1,10}$/.test(count)) throw corruptReply();
  const remaining = count === ANY ? null : Number(count);
  const lease = read(LEASE, row, leaseRow, (value) => ({ ...value, remaining, revoked }));
  return ofItsId(id, lease);
}

export function consentOf(id: string, row: unknown): Consent {
  return ofItsId(id, read(CONSENT, row, consentRow));
}

export function questionOf(id: string, row: unknown): Question {
  return ofItsId(id, read(QUESTION, row, questionRow));
}

export function answerOf(text: string): GivenAnswer {
  return readRecord(GIVEN_ANSWER, jsonOf(text), "STORE_CORRUPT");
}

export function driftOf(member: unknown): Drift {
  const [, group = "", item = ""] = /^([^\n]*)\n(.*)$/s.exec(textOf(member)) ?? [];
  const [serverId, catalogSha256] = group.split(" ");
  const value = jsonOf(item);
  if (!Array.isArray(value) || value.length !== 2) throw corruptReply();
  const [kind, name]: readonly unknown[] = value;
  return readRecord(DRIFT, { serverId, catalogSha256, kind, name }, "STORE_CORRUPT");
}

export function logOf(origin: string, text: unknown, closed: unknown): RegisteredLog {
  const value = jsonOf(textOf(text));
  if (!isObject(value)) throw corruptReply();
  const closedAtMs = closed === undefined ? null : integerOf(closed);
  const log = readRecord(REGISTERED_LOG, { ...value, closedAtMs }, "STORE_CORRUPT");
  if (log.origin !== origin) throw corruptReply();
  return log;
}

/** A whole number that a script wrote. */
export function integerOf(value: unknown): number {
  const text = textOf(value);
  if (!/^[0-9]{1,16}$/.test(text)) throw corruptReply();
  return Number(text);
}

export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  throw corruptReply();
}

/** A list of texts, some of which may be missing. */
export function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw corruptReply();
}

/** Keys and values that come in turn. */
export function mapOf(value: unknown): ReadonlyMap<string, unknown> {
  const flat = listOf(value);
  const map = new Map<string, unknown>();
  for (let at = 0; at < flat.length; at += 2) map.set(textOf(flat[at]), flat[at + 1]);
  return map;
}

/** @param back the row that the record must have come from, group and tag included */
function read<T>(
  shape: Shape<T>,
  row: unknown,
  back: (record: T) => string,
  change: (value: object) => object = (value) => value,
): T {
  const text = textOf(row);
  const at = text.indexOf("\n") + 2;
  const value = jsonOf(text.slice(at));
  if (at < 2 || !isObject(value)) throw corruptReply();
  const record = readRecord(shape, change(value), "STORE_CORRUPT");
  // WHY: a row that was moved into another group would be somebody else's grant
  if (!back(record).startsWith(text.slice(0, at))) throw corruptReply();
  return record;
}

function ofItsId<T extends { readonly id: string }>(id: string, record: T): T {
  if (record.id !== id) throw corruptReply();
  return record;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw cause instanceof GuardError ? cause : corruptReply(cause);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
