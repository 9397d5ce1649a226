// Records as they are read back. Unknown members are kept; what a reader needs is checked.
import { utf8Text } from "../bytes.ts";
import { GuardError } from "../errors.ts";
import { isCanonical, parseStrictJson } from "../kernel/strict-json.ts";

/** A record, read. */
export interface AuditRecord {
  readonly seq: number;
  /** ms since the epoch. */
  readonly timeMs: number;
  readonly kind: string;
  /** Lower-case hex SHA-256 of what it was decided with. */
  readonly catalogSha256: string;
  readonly rootSha256: string;
  readonly kernelSha256: string;
  /** `undefined` for `open` and `close`. */
  readonly decision: string | undefined;
  /** The whole record. */
  readonly value: object;
}

const HEX_DIGEST = /^[0-9a-f]{64}$/;
const KINDS: ReadonlySet<string> = new Set([
  ...["open", "list", "call", "result", "consent", "lease", "reload", "close"],
]);
const OUTCOMES: ReadonlySet<unknown> = new Set(["allow", "dry_run", "ask_user", "deny"]);
/** The kernel writes canonical forms of so much; larger records are read strictly only. */
const CANONICAL_BYTES_MAX = 4_194_304;

/**
 * Reads one line.
 *
 * @param line without its line feed
 * @returns `undefined` for what is no record in canonical JSON
 */
export function readRecord(line: Uint8Array): AuditRecord | undefined {
  const value = readLine(line);
  if (typeof value !== "object" || value === null) return undefined;
  const seq = memberOf(value, "seq");
  const timeMs = memberOf(value, "t");
  const kind = textOf(value, "kind");
  const catalogSha256 = digestOf(value, "catalog");
  const rootSha256 = digestOf(value, "root");
  const kernelSha256 = digestOf(value, "kernel");
  if (memberOf(value, "v") !== 1 || !isCount(seq) || !isCount(timeMs)) return undefined;
  if (kind === undefined || !KINDS.has(kind)) return undefined;
  if (catalogSha256 === undefined || rootSha256 === undefined || kernelSha256 === undefined) {
    return undefined;
  }
  const isOwn = kind === "open" || kind === "close";
  const decision = textOf(value, "decision");
  if (isOwn ? decision !== undefined : !OUTCOMES.has(decision)) return undefined;
  return { seq, timeMs, kind, catalogSha256, rootSha256, kernelSha256, decision, value };
}

/** A member of a record, its own one. */
export function memberOf(value: object, name: string): unknown {
  return Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
}

/** A member that is text. */
export function textOf(value: object, name: string): string | undefined {
  const member = memberOf(value, name);
  return typeof member === "string" ? member : undefined;
}

/** A member that is a whole number from 0. */
export function countOf(value: object, name: string): number | undefined {
  const member = memberOf(value, name);
  return isCount(member) ? member : undefined;
}

/** The objects in a member that is an array of objects; others are left out. */
export function objectsOf(value: object, name: string): readonly object[] {
  const member = memberOf(value, name);
  if (!Array.isArray(member)) return [];
  return member.filter((one: unknown): one is object => typeof one === "object" && one !== null);
}

function digestOf(value: object, name: string): string | undefined {
  const text = textOf(value, name);
  return text !== undefined && HEX_DIGEST.test(text) ? text : undefined;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function readLine(line: Uint8Array): unknown {
  if (line.length > CANONICAL_BYTES_MAX) {
    try {
      return parseStrictJson(line);
    } catch (fault) {
      if (fault instanceof GuardError) return undefined;
      throw fault;
    }
  }
  if (!isCanonical(line)) return undefined;
  const text = utf8Text(line);
  const value: unknown = text === undefined ? undefined : JSON.parse(text);
  return value;
}
