// What the members of a record may hold. The same checks judge what a caller passes and what a
// store gives back, so a store that was tampered with or damaged is noticed when it is read.
import { LIMIT_NAME_BYTES } from "../abi/limits.ts";
import { isWellFormed, utf8 } from "../bytes.ts";
import { digestFault, itemNameFault, serverIdFault } from "../catalog/names.ts";
import type { ConsentChannel, ItemKind } from "../catalog/types.ts";
import { GuardError } from "../errors.ts";
import {
  LIMIT_LEASE_TOOLS,
  LIMIT_LOG_ORIGIN_BYTES,
  LIMIT_LOG_TEXT_BYTES,
  LIMIT_NONCE_CHARACTERS,
  LIMIT_QUESTION_TEXT_BYTES,
} from "./limits.ts";
import type {
  Answer,
  Consent,
  Drift,
  GivenAnswer,
  Lease,
  Question,
  RegisteredLog,
  SessionTaint,
} from "./records.ts";

type Test = (value: unknown) => boolean;

/** The members of a record and their tests; a name ending in `?` may be absent. */
export interface Shape<T> {
  readonly what: string;
  readonly members: Readonly<Record<keyof T & string, Test>>;
  readonly optional?: readonly string[];
  /** What must hold between the members, once each is fine. */
  readonly whole?: (record: T) => boolean;
}

const U32_MAX = 0xffff_ffff;
const HEX_256 = /^[0-9a-f]{64}$/;
const QUESTION_ID = /^[A-Za-z0-9_-]{1,64}$/;
const NONCE = new RegExp(`^[\\x21-\\x7e]{1,${LIMIT_NONCE_CHARACTERS}}$`);
const KINDS: readonly ItemKind[] = ["tool", "prompt", "resource", "resource_template"];
const CHANNELS: readonly ConsentChannel[] = ["elicitation", "terminal", "web"];

const isFlag: Test = (value) => typeof value === "boolean";
export const isTimeMs: Test = (value) => isInteger(value, 0, Number.MAX_SAFE_INTEGER);
export const isMask: Test = (value) => isInteger(value, 0, U32_MAX);
export const isCount: Test = (value) => isInteger(value, 1, U32_MAX);
export const isHash: Test = (value) => typeof value === "string" && HEX_256.test(value);
export const isNonce: Test = (value) => typeof value === "string" && NONCE.test(value);
export const isQuestionId: Test = (value) => typeof value === "string" && QUESTION_ID.test(value);
export const isDigest: Test = (value) => passes(value, digestFault);
export const isServerId: Test = (value) => passes(value, serverIdFault);
export const isOrigin: Test = (value) => isText(value, LIMIT_LOG_ORIGIN_BYTES);
export const isChannel: Test = (value) => CHANNELS.some((channel) => channel === value);
const isKind: Test = (value) => KINDS.some((kind) => kind === value);
const isLogText: Test = (value) => isText(value, LIMIT_LOG_TEXT_BYTES);
/** The kind decides about the rest; see `isNamed`. */
const isName: Test = (value) => typeof value === "string" && isWellFormed(value);

export const LEASE: Shape<Lease> = {
  what: "a lease",
  members: {
    id: isHash,
    principalHash: isHash,
    serverId: isServerId,
    grantedTools: (value) =>
      isList(value, LIMIT_LEASE_TOOLS, (name) => isText(name, LIMIT_NAME_BYTES)),
    createdAtMs: isTimeMs,
    expiresAtMs: isTimeMs,
    maxInvocations: orNull(isCount),
    remaining: orNull(isMask),
    stateChanging: isFlag,
    argsDigest: orNull(isDigest),
    revoked: isFlag,
  },
  whole: ({ maxInvocations, remaining }) =>
    maxInvocations === null || remaining === null
      ? maxInvocations === remaining
      : remaining <= maxInvocations,
};

export const CONSENT: Shape<Consent> = {
  what: "a consent",
  members: {
    id: isHash,
    principalHash: isHash,
    serverId: isServerId,
    kind: isKind,
    itemName: isName,
    itemFingerprint: isDigest,
    argsDigest: orNull(isDigest),
    sessionHash: isHash,
    imageDigest: isHash,
    asking: isMask,
    taint: isMask,
    hadLease: isFlag,
    createdAtMs: isTimeMs,
    expiresAtMs: isTimeMs,
    textHash: isHash,
    channel: isChannel,
    singleUse: isFlag,
  },
  whole: ({ kind, itemName }) => itemNameFault(kind, itemName) === undefined,
};

export const QUESTION: Shape<Question> = {
  what: "a question",
  members: {
    id: isQuestionId,
    principalHash: isHash,
    serverId: isServerId,
    sessionHash: isHash,
    kind: isKind,
    itemName: isName,
    text: (value) => isText(value, LIMIT_QUESTION_TEXT_BYTES),
    channels: (value) => isList(value, CHANNELS.length, isChannel),
    createdAtMs: isTimeMs,
    expiresAtMs: isTimeMs,
  },
  whole: ({ kind, itemName }) => itemNameFault(kind, itemName) === undefined,
};

export const GIVEN_ANSWER: Shape<GivenAnswer> = {
  what: "an answer",
  members: { answer: isAnswer, channel: isChannel, answeredAtMs: isTimeMs },
};

export const SESSION_TAINT: Shape<SessionTaint> = {
  what: "the labels of a session",
  members: { sessionHash: isHash, own: isMask, taint: isMask, parent: orNull(isHash) },
};

export const DRIFT: Shape<Drift> = {
  what: "a drift",
  members: {
    serverId: isServerId,
    kind: (value) => value === "instructions" || isKind(value),
    name: isName,
    catalogSha256: isHash,
  },
  whole: ({ kind, name }) =>
    kind === "instructions" ? name === "" : itemNameFault(kind, name) === undefined,
};

export const REGISTERED_LOG: Shape<RegisteredLog> = {
  what: "an audit log",
  members: {
    origin: isOrigin,
    path: isLogText,
    createdAtMs: isTimeMs,
    public: isLogText,
    closedAtMs: orNull(isTimeMs),
  },
  optional: ["public"],
};

/** True for one of the answers, with nothing beside it. */
export function isAnswer(value: unknown): value is Answer {
  if (typeof value !== "object" || value === null) return false;
  const members = new Map<string, unknown>(Object.entries(value));
  const choice = members.get("choice");
  if (choice !== "lease") {
    return members.size === 1 && (choice === "deny" || choice === "once" || choice === "session");
  }
  return members.size === 3 && isCount(members.get("maxInvocations")) && isLifetime(members);
}

/**
 * A frozen copy of exactly the members of `shape`.
 *
 * @param code what is thrown: ARGUMENT_INVALID for a caller's value, STORE_CORRUPT for a stored one
 * @throws {GuardError} `code` when a member, or the whole, is not as `shape` says
 */
export function readRecord<T>(
  shape: Shape<T>,
  value: unknown,
  code: "ARGUMENT_INVALID" | "STORE_CORRUPT",
): T {
  const source = new Map<string, unknown>(
    typeof value === "object" && value !== null ? Object.entries(value) : [],
  );
  const copy: Record<string, unknown> = {};
  for (const name of Object.keys(shape.members)) {
    const member = source.get(name);
    if (member === undefined && shape.optional?.includes(name)) continue;
    copy[name] = frozenCopy(member);
  }
  const fault = memberFault(shape, copy);
  if (fault !== undefined || !isShaped(shape, copy)) {
    const message = `expected ${shape.what}, got one with a wrong ${fault ?? "combination of members"}`;
    const advice = code === "STORE_CORRUPT" ? "; restore the store from a backup" : "";
    throw new GuardError(code, `${message}${advice}`);
  }
  return Object.freeze(copy);
}

/** @throws {GuardError} ARGUMENT_INVALID when `value` does not pass. */
export function assertArgument(what: string, test: Test, value: unknown): void {
  if (test(value)) return;
  throw new GuardError("ARGUMENT_INVALID", `expected ${what}, got something else`);
}

function memberFault<T>(
  shape: Shape<T>,
  copy: Readonly<Record<string, unknown>>,
): string | undefined {
  const tests = new Map<string, Test>(Object.entries<Test>(shape.members));
  for (const [name, test] of tests) {
    const isLeftOut = !Object.hasOwn(copy, name) && shape.optional?.includes(name) === true;
    if (!isLeftOut && !test(copy[name])) return `\`${name}\``;
  }
  return undefined;
}

/** Only for a copy that `memberFault` found nothing in. */
function isShaped<T>(shape: Shape<T>, copy: unknown): copy is T {
  const isTyped = (_: unknown): _ is T => true;
  return isTyped(copy) && (shape.whole === undefined || shape.whole(copy));
}

function frozenCopy(value: unknown): unknown {
  if (Array.isArray(value)) return Object.freeze([...value]);
  if (typeof value === "object" && value !== null) return Object.freeze({ ...value });
  return value;
}

function isLifetime(members: ReadonlyMap<string, unknown>): boolean {
  return isInteger(members.get("ttlMs"), 1, Number.MAX_SAFE_INTEGER);
}

function isInteger(value: unknown, min: number, max: number): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= min && value <= max;
}

function isText(value: unknown, sizeMax: number): boolean {
  if (typeof value !== "string" || value === "" || value.length > sizeMax) return false;
  return isWellFormed(value) && utf8(value).length <= sizeMax;
}

function isList(value: unknown, lengthMax: number, test: Test): boolean {
  if (!Array.isArray(value) || value.length === 0 || value.length > lengthMax) return false;
  return new Set(value).size === value.length && value.every(test);
}

function orNull(test: Test): Test {
  return (value) => value === null || test(value);
}

function passes(value: unknown, fault: (text: string) => string | undefined): boolean {
  return typeof value === "string" && fault(value) === undefined;
}
