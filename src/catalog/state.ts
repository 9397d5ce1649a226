// What a host remembers between starts, so that it never goes back (10-catalog section 3).
// The document is RFC 8785 canonical JSON with a SHA-256 over its other members.
import { bytesEqual, toHex, utf8 } from "../bytes.ts";
import { GuardError } from "../errors.ts";
import { sha256 } from "../kernel/digest.ts";
import { parseStrictJson } from "../kernel/strict-json.ts";

/** The newest trust root and catalog this host has accepted. Digests are lower-case hex. */
export interface TrustState {
  readonly rootVersion: number;
  readonly rootSha256: string;
  readonly catalogVersion: number;
  readonly catalogSha256: string;
}

/** Where a host keeps its trust state. */
export interface TrustStateStore {
  /**
   * The stored state; `undefined` only when none was ever stored.
   *
   * @throws {GuardError} STATE_CORRUPT when what is stored is damaged.
   */
  load(): Promise<TrustState | undefined>;
  /**
   * Stores `state` durably, unless that would move what is stored by then backwards; reading,
   * comparing and writing are one step towards every other writer.
   *
   * @throws {GuardError} ROOT_CHAIN, CATALOG_ROLLBACK or CATALOG_EQUIVOCATION as `assertAdvances`.
   */
  save(state: TrustState): Promise<void>;
}

/** Bytes of a state document, at most. */
export const STATE_SIZE_BYTES_MAX = 4096;

const HEX_DIGEST = /^[0-9a-f]{64}$/;

/** A store that lives as long as the process. */
export class MemoryTrustState implements TrustStateStore {
  #state: TrustState | undefined;

  constructor(state?: TrustState) {
    this.#state = state;
  }

  async load(): Promise<TrustState | undefined> {
    return this.#state;
  }

  async save(state: TrustState): Promise<void> {
    assertAdvances(this.#state, state);
    this.#state = { ...state };
  }
}

/**
 * Refuses a state that no store should hold: every comparison with NaN is false, so a damaged
 * version would switch the rollback check off.
 *
 * @throws {GuardError} STATE_CORRUPT
 */
export function assertTrustState(state: TrustState): void {
  const versions = [state.rootVersion, state.catalogVersion];
  const digests = [state.rootSha256, state.catalogSha256];
  const isSound =
    versions.every((version) => Number.isSafeInteger(version) && version >= 1) &&
    digests.every((digest) => HEX_DIGEST.test(digest));
  if (isSound) return;
  throw new GuardError("STATE_CORRUPT", "expected versions and digests in the stored trust state");
}

/** The bytes of a state document: canonical JSON, no line feed at the end. */
export function serializeTrustState(state: TrustState): Uint8Array {
  // WHY: written out, because these members need no escapes and stand in canonical order
  const head =
    `{"catalog_sha256":"${state.catalogSha256}","catalog_version":${state.catalogVersion},` +
    `"root_sha256":"${state.rootSha256}","root_version":${state.rootVersion}`;
  const digest = toHex(sha256(utf8(`${head}}`)));
  return utf8(`${head},"sha256":"${digest}"}`);
}

/**
 * Reads a state document. Only the exact bytes that `serializeTrustState` writes are accepted, so
 * the digest is checked, and so is every spelling.
 *
 * @throws {GuardError} STATE_CORRUPT when the document is anything else.
 */
export function parseTrustState(bytes: Uint8Array): TrustState {
  if (bytes.length > STATE_SIZE_BYTES_MAX) throw corrupt();
  let document: unknown;
  try {
    document = parseStrictJson(bytes);
  } catch (cause) {
    throw corrupt(cause);
  }
  if (typeof document !== "object" || document === null) throw corrupt();
  const members = new Map<string, unknown>(Object.entries(document));
  const state: TrustState = {
    rootVersion: versionOf(members.get("root_version")),
    rootSha256: digestOf(members.get("root_sha256")),
    catalogVersion: versionOf(members.get("catalog_version")),
    catalogSha256: digestOf(members.get("catalog_sha256")),
  };
  if (!bytesEqual(serializeTrustState(state), bytes)) throw corrupt();
  return state;
}

/**
 * Refuses a trust root older than the stored one, or another one of the same version.
 *
 * @throws {GuardError} ROOT_CHAIN.
 */
export function assertRootAdvances(
  stored: TrustState | undefined,
  version: number,
  digest: string,
): void {
  if (stored === undefined) return;
  if (version < stored.rootVersion) {
    throw new GuardError(
      "ROOT_CHAIN",
      `expected trust root version ${stored.rootVersion} or newer, got ${version}; this host ` +
        "has accepted the newer one before",
    );
  }
  if (version === stored.rootVersion && digest !== stored.rootSha256) {
    throw new GuardError(
      "ROOT_CHAIN",
      `expected the trust root version ${version} that this host accepted before, got other ` +
        "bytes; ask who signed two",
    );
  }
}

/**
 * Refuses a catalog older than the stored one, or another one of the same version.
 *
 * @throws {GuardError} CATALOG_ROLLBACK when older, CATALOG_EQUIVOCATION when the bytes differ.
 */
export function assertCatalogAdvances(
  stored: TrustState | undefined,
  version: number,
  digest: string,
): void {
  if (stored === undefined) return;
  if (version < stored.catalogVersion) {
    throw new GuardError(
      "CATALOG_ROLLBACK",
      `expected catalog version ${stored.catalogVersion} or newer, got ${version}; this host ` +
        "has accepted the newer one before",
    );
  }
  if (version === stored.catalogVersion && digest !== stored.catalogSha256) {
    throw new GuardError(
      "CATALOG_EQUIVOCATION",
      `expected the catalog version ${version} that this host accepted before, got other ` +
        "bytes; raise `version` and sign again",
    );
  }
}

/**
 * Refuses to replace `stored` by a state that is older in its root or its catalog.
 *
 * @throws {GuardError} ROOT_CHAIN, CATALOG_ROLLBACK or CATALOG_EQUIVOCATION.
 */
export function assertAdvances(stored: TrustState | undefined, next: TrustState): void {
  assertRootAdvances(stored, next.rootVersion, next.rootSha256);
  assertCatalogAdvances(stored, next.catalogVersion, next.catalogSha256);
}

function versionOf(value: unknown): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 1) throw corrupt();
  return value;
}

function digestOf(value: unknown): string {
  if (typeof value !== "string" || !HEX_DIGEST.test(value)) throw corrupt();
  return value;
}

function corrupt(cause?: unknown): GuardError {
  return new GuardError(
    "STATE_CORRUPT",
    "expected an intact trust state, got a damaged one; restore it from a backup, or delete " +
      "it only after `portcullis verify` shows the version you expect",
    { cause },
  );
}
