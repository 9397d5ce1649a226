// From the pinned trust root to the newest one, one signed step at a time (as in TUF 5.3).
import { LIMIT_ROOT_HOPS } from "../abi/limits.ts";
import { toHex } from "../bytes.ts";
import { GuardError, quote } from "../errors.ts";
import { sha256 } from "../kernel/digest.ts";
import { type Asking, answerNow } from "../sign/asking.ts";
import { askVerifiedKeys, type Envelope, parseEnvelope } from "../sign/dsse.ts";
import {
  LIMIT_ROOT_BYTES,
  parseRoot,
  ROOT_PAYLOAD_TYPE,
  type TrustRole,
  type TrustRoot,
} from "./root.ts";
import { assertRootAdvances, type TrustState } from "./state.ts";

export interface RootChainInput {
  /** Root envelopes, oldest first. */
  readonly envelopes: readonly Uint8Array[];
  /** Hex SHA-256 of the first root's payload, with or without `sha256:` before it. */
  readonly pin?: string | undefined;
  /** What this host accepted before. */
  readonly state?: TrustState | undefined;
  /** ms since the epoch. */
  readonly nowMs: number;
}

const PIN = /^(?:sha256:)?([0-9a-f]{64})$/;

/**
 * Verifies a chain of trust roots and returns its last one.
 *
 * The first root must be the pinned one when there is a pin, and is signed by its own threshold.
 * Each further root has the next version and is signed by the threshold of the root before it AND
 * by its own; it may be expired, unless it is the last. With a state, the chain must contain
 * or continue what the host accepted before; without a pin it must start there or earlier.
 * Without pin and state the caller vouches for the first root.
 *
 * @throws {GuardError} ARGUMENT_INVALID for a malformed pin; ROOT_PIN, ROOT_CHAIN, ROOT_SIGNATURE,
 *   ROOT_EXPIRED as above; ROOT_SYNTAX for a malformed envelope, ROOT_SCHEMA for another
 *   payload type, and everything `parseRoot` throws.
 */
export function verifyRootChain(input: RootChainInput): TrustRoot {
  return answerNow(askRootChain(input));
}

/** `verifyRootChain`, one question a signature. */
export function* askRootChain(input: RootChainInput): Asking<TrustRoot> {
  const [first, ...rest] = input.envelopes;
  if (first === undefined) throw chainFault("expected at least one trust root, got none");
  if (rest.length > LIMIT_ROOT_HOPS) {
    throw chainFault(
      `expected at most ${LIMIT_ROOT_HOPS} steps of trust roots, got ${rest.length}`,
    );
  }
  let root = yield* openFirst(parseRootEnvelope(first), input);
  for (const bytes of rest) {
    root = yield* openNext(root, parseRootEnvelope(bytes));
    // a chain that passes the known version with other bytes has been forked before it
    if (root.version === input.state?.rootVersion) {
      assertRootAdvances(input.state, root.version, root.sha256);
    }
  }
  assertRootAdvances(input.state, root.version, root.sha256);
  if (input.nowMs >= root.expiresMs) {
    const expired = new Date(root.expiresMs).toISOString();
    throw new GuardError(
      "ROOT_EXPIRED",
      `expected a trust root that is not expired, got version ${root.version}, expired at ` +
        `${expired}; sign and install version ${root.version + 1}`,
    );
  }
  return root;
}

function* openFirst(envelope: Envelope, input: RootChainInput): Asking<TrustRoot> {
  const { pin, state } = input;
  if (pin !== undefined) {
    const expected = PIN.exec(pin)?.[1];
    if (expected === undefined) {
      const message = `expected a root pin of 64 lower-case hex digits, got ${quote(pin)}`;
      throw new GuardError("ARGUMENT_INVALID", message);
    }
    const actual = toHex(sha256(envelope.payload));
    if (actual !== expected) {
      throw new GuardError(
        "ROOT_PIN",
        `expected the first trust root with SHA-256 ${expected}, got ${actual}; compare the ` +
          "pin with the one your operator published",
      );
    }
  }
  const root = openPayload(envelope);
  yield* assertThreshold(envelope, root.roles.root, `its own keys`, root.version);
  if (state === undefined) return root;
  if (pin === undefined && root.version > state.rootVersion) {
    throw chainFault(
      `expected a chain that starts at trust root ${state.rootVersion} or before, got version ` +
        `${root.version}; add the roots between them`,
    );
  }
  if (root.version === state.rootVersion) assertRootAdvances(state, root.version, root.sha256);
  return root;
}

function* openNext(previous: TrustRoot, envelope: Envelope): Asking<TrustRoot> {
  const expected = previous.version + 1;
  try {
    yield* assertThreshold(
      envelope,
      previous.roles.root,
      `the keys of version ${previous.version}`,
      expected,
    );
  } catch (fault) {
    // WHY: when a version is missing in between, the signature fails too; say what is wrong
    const version = claimedVersion(envelope);
    throw version === undefined || version === expected ? fault : versionFault(expected, version);
  }
  const root = openPayload(envelope);
  if (root.version !== expected) throw versionFault(expected, root.version);
  yield* assertThreshold(envelope, root.roles.root, "its own keys", root.version);
  return root;
}

function parseRootEnvelope(bytes: Uint8Array): Envelope {
  return parseEnvelope(bytes, { code: "ROOT_SYNTAX", sizeBytesMax: LIMIT_ROOT_BYTES });
}

function openPayload(envelope: Envelope): TrustRoot {
  if (envelope.payloadType !== ROOT_PAYLOAD_TYPE) {
    const got = quote(envelope.payloadType);
    const message = `expected the payload type \`${ROOT_PAYLOAD_TYPE}\`, got ${got}`;
    throw new GuardError("ROOT_SCHEMA", message, { at: { path: "payloadType" } });
  }
  return parseRoot(envelope.payload);
}

/** The version an unverified root claims, for a message only. */
function claimedVersion(envelope: Envelope): number | undefined {
  try {
    return openPayload(envelope).version;
  } catch {
    return undefined;
  }
}

function* assertThreshold(
  envelope: Envelope,
  role: TrustRole,
  whose: string,
  version: number,
): Asking<void> {
  const { size: count } = yield* askVerifiedKeys(envelope, role.keys);
  if (count < role.threshold) {
    throw new GuardError(
      "ROOT_SIGNATURE",
      `expected trust root ${version} signed by ${role.threshold} of ${whose}, got ${count} ` +
        "valid signatures",
    );
  }
}

function versionFault(expected: number, got: number): GuardError {
  return chainFault(
    `expected trust root version ${expected} next, got ${got}; add every root in order`,
  );
}

function chainFault(message: string): GuardError {
  return new GuardError("ROOT_CHAIN", message);
}
