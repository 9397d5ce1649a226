// The record of an answer, and the calls it is for (40-gateway section 6). Stores keep the same
// members.
import { VERDICT_POLICY_REVIEW } from "../abi/verdict.ts";
import { utf8 } from "../bytes.ts";
import { itemNameFault, serverIdFault } from "../catalog/names.ts";
import type { ConsentChannel, ItemKind } from "../catalog/types.ts";
import { randomBytes } from "../clock.ts";
import { GuardError } from "../errors.ts";
import { framedDigest, u32le, u64le } from "../kernel/framed.ts";
import type { ConsentAnswer } from "./consent-answer.ts";
import type { ConsentQuestion } from "./consent-question.ts";
import { argsDigestBytes, isDigestText, isHexDigest } from "./digest-text.ts";
import { memberReader } from "./member-reader.ts";

/** How long an answer `once` waits for its call. */
export const CONSENT_ONCE_MS = 300_000;
/** How long an answer `session` holds, at most. */
export const CONSENT_SESSION_MS = 43_200_000;
/** How long any record holds, at most. */
export const LIMIT_CONSENT_MS = 86_400_000;

const RANDOM_SIZE_BYTES = 32;
const MASK_MAX = 0xffffffff;
const MINUTE_MS = 60_000;

/** The call as it was when a person was asked: what the kernel compares. */
export interface ConsentBinding {
  /** 64 lower-case hex digits, as the other hashes without `sha256:`. */
  readonly principalHash: string;
  readonly sessionHash: string;
  readonly serverId: string;
  readonly kind: ItemKind;
  readonly itemName: string;
  /** `sha256:<hex>` of the live definition. */
  readonly itemFingerprint: string;
  /** `sha256:<hex>` of the arguments. */
  readonly argsDigest: string;
  /** SHA-256 of the image whose rules asked. */
  readonly imageDigest: string;
  /** Contributors that asked: a mask of verdict codes, u32. */
  readonly asking: number;
  /** Taint labels of the session: a mask, u32. */
  readonly taint: number;
  /** A valid lease was at hand. */
  readonly hadLease: boolean;
}

/** One approval. */
export interface ConsentRecord extends Omit<ConsentBinding, "argsDigest"> {
  /** 64 lower-case hex digits. */
  readonly id: string;
  /** `null` = any arguments. */
  readonly argsDigest: string | null;
  /** `now >= expiresAtMs` is expired. */
  readonly expiresAtMs: number;
  /** Of the text that was shown. */
  readonly textHash: string;
  readonly channel: ConsentChannel;
  readonly singleUse: boolean;
  readonly createdAtMs: number;
}

export interface ConsentOutcome {
  readonly binding: ConsentBinding;
  /** What was shown: its hash goes into the record. */
  readonly question: Pick<ConsentQuestion, "textHash">;
  /** Of `askConsent` or `readConsentAnswer`. */
  readonly answer: ConsentAnswer;
  readonly channel: ConsentChannel;
  /** ms since the epoch. */
  readonly nowMs: number;
  readonly random?: ((size: number) => Uint8Array) | undefined;
}

/**
 * The records of an answer, frozen: none for `deny`; one for these arguments and one call for
 * `once`; one for any arguments and calls for `session`; for `lease` one for each of its calls, so
 * that no store can let one call more than were granted.
 *
 * @throws {GuardError} ARGUMENT_INVALID for a malformed binding, channel or time
 */
export function createConsentRecords(outcome: ConsentOutcome): readonly ConsentRecord[] {
  const { binding, question, answer, channel, nowMs, random = randomBytes } = outcome;
  if (answer.choice === "deny") return Object.freeze([]);
  const { calls = 1, minutes = 0, choice } = answer;
  const livesMs = {
    once: CONSENT_ONCE_MS,
    session: CONSENT_SESSION_MS,
    lease: minutes * MINUTE_MS,
  };
  const records: ConsentRecord[] = [];
  for (let index = 0; index < (choice === "lease" ? calls : 1); index++) {
    const body: Omit<ConsentRecord, "id"> = {
      principalHash: binding.principalHash,
      sessionHash: binding.sessionHash,
      serverId: binding.serverId,
      kind: binding.kind,
      itemName: binding.itemName,
      itemFingerprint: binding.itemFingerprint,
      argsDigest: choice === "once" ? binding.argsDigest : null,
      imageDigest: binding.imageDigest,
      asking: binding.asking,
      taint: binding.taint,
      hadLease: binding.hadLease,
      expiresAtMs: nowMs + livesMs[choice],
      textHash: question.textHash,
      channel,
      singleUse: choice !== "session",
      createdAtMs: nowMs,
    };
    const seed = random(RANDOM_SIZE_BYTES);
    const record = Object.freeze({ ...body, id: recordId(body, seed) });
    if (seed.length !== RANDOM_SIZE_BYTES || !isConsentRecord(record)) {
      throw new GuardError(
        "ARGUMENT_INVALID",
        "expected a binding of full digests, u32 masks, a known channel, and a time",
      );
    }
    records.push(record);
  }
  return Object.freeze(records);
}

function recordId(body: Omit<ConsentRecord, "id">, seed: Uint8Array): string {
  return framedDigest(
    "portcullis:consent:v1",
    ...[body.principalHash, body.sessionHash, body.serverId, body.kind, body.itemName].map(utf8),
    ...[body.itemFingerprint, body.imageDigest, body.textHash, body.channel].map(utf8),
    argsDigestBytes(body.argsDigest),
    u32le(body.asking),
    u32le(body.taint),
    Uint8Array.of(body.hadLease ? 1 : 0, body.singleUse ? 1 : 0),
    ...[body.createdAtMs, body.expiresAtMs].map((ms) => u64le(isMs(ms) ? ms : 0)),
    seed,
  );
}

const CHANNELS: readonly ConsentChannel[] = ["elicitation", "terminal", "web"];
const KINDS: readonly ItemKind[] = ["tool", "prompt", "resource", "resource_template"];

/** True for a well-formed record, whoever kept it. Never throws. */
export function isConsentRecord(value: unknown): value is ConsentRecord {
  try {
    const read = memberReader(value);
    if (read === undefined) return false;
    const hashes = ["id", "principalHash", "sessionHash", "imageDigest", "textHash"];
    const argsDigest = read("argsDigest");
    return (
      hashes.every((key) => isHexDigest(read(key))) &&
      isDigestText(read("itemFingerprint")) &&
      (argsDigest === null || isDigestText(argsDigest)) &&
      isItem(read("serverId"), read("kind"), read("itemName")) &&
      [read("asking"), read("taint")].every(isMask) &&
      [read("hadLease"), read("singleUse")].every((flag) => typeof flag === "boolean") &&
      CHANNELS.some((channel) => channel === read("channel")) &&
      isLifetime(read("createdAtMs"), read("expiresAtMs"))
    );
  } catch {
    return false;
  }
}

function isItem(serverId: unknown, kindName: unknown, name: unknown): boolean {
  const kind = KINDS.find((known) => known === kindName);
  if (kind === undefined || typeof serverId !== "string" || typeof name !== "string") return false;
  return serverIdFault(serverId) === undefined && itemNameFault(kind, name) === undefined;
}

function isMask(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MASK_MAX;
}

function isMs(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}

function isLifetime(created: unknown, expires: unknown): boolean {
  return (
    isMs(created) && isMs(expires) && created < expires && expires - created <= LIMIT_CONSENT_MS
  );
}

/**
 * True when `record` lifts the questions of the call that `call` describes, at `nowMs`: the same
 * principal, session, server, item, definition, image and (unless any) arguments; every question
 * and every taint label of now was shown. Where a rule asks, a lease is at hand now exactly if one
 * was then: a rule may ask because of it.
 *
 * The kernel decides this again from the frame; here it chooses which record goes into the frame.
 * Never throws: a malformed record applies to nothing.
 */
export function consentApplies(record: unknown, call: ConsentBinding, nowMs: number): boolean {
  if (!isConsentRecord(record)) return false;
  const isSameCall =
    record.principalHash === call.principalHash &&
    record.sessionHash === call.sessionHash &&
    record.serverId === call.serverId &&
    record.kind === call.kind &&
    record.itemName === call.itemName &&
    record.itemFingerprint === call.itemFingerprint &&
    record.imageDigest === call.imageDigest &&
    (record.argsDigest === null || record.argsDigest === call.argsDigest);
  const isInTime = nowMs > 0 && nowMs < record.expiresAtMs;
  const isShown = isSubset(call.asking, record.asking) && isSubset(call.taint, record.taint);
  const isRule = (call.asking & (1 << VERDICT_POLICY_REVIEW)) !== 0;
  return isSameCall && isInTime && isShown && (!isRule || record.hadLease === call.hadLease);
}

function isSubset(mask: number, of: number): boolean {
  return isMask(mask) && (mask & ~of) === 0;
}
