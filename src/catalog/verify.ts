// Whether a catalog is the one to trust: every check in the order of 10-catalog section 3.
import { toHex } from "../bytes.ts";
import { GuardError } from "../errors.ts";
import { fileSha256 } from "../kernel/digest.ts";
import { type Asking, answerLater, answerNow } from "../sign/asking.ts";
import { compileImage } from "./compile.ts";
import type { TrustRoot } from "./root.ts";
import { assertTrustState, type TrustState } from "./state.ts";
import type { Catalog } from "./types.ts";
import {
  assertId,
  assertIssued,
  assertLifetime,
  assertNotExpired,
  assertThreshold,
  assertType,
  assertVersion,
  type Finding,
  findSigners,
  keepRole,
  openContainer,
  openRoot,
  readCatalog,
  type SignedCatalog,
} from "./verify-checks.ts";

export interface VerifyInput {
  readonly signed: SignedCatalog;
  /** Root envelopes, oldest first. */
  readonly roots: readonly Uint8Array[];
  /** Hex SHA-256 of the first root's payload. */
  readonly rootPin?: string | undefined;
  /** What this host accepted before; `undefined` when it keeps no state or has none yet. */
  readonly state?: TrustState | undefined;
  /** The catalog id this host is configured with. */
  readonly expectId?: string | undefined;
  /** The lowest catalog version accepted, for hosts without state; >= 1. */
  readonly minVersion?: number | undefined;
  /** ms since the epoch. */
  readonly nowMs: number;
}

/** One named check, for `verify --explain`. */
export interface VerifyCheck {
  readonly name: VerifyCheckName;
  readonly ok: boolean;
  readonly detail: string;
}

export type VerifyCheckName =
  | "envelope"
  | "root"
  | "signature"
  | "role"
  | "threshold"
  | "type"
  | "schema"
  | "expiry"
  | "lifetime"
  | "issued"
  | "version"
  | "id"
  | "image";

/** A catalog that passed every check. */
export interface VerifiedCatalog {
  readonly catalog: Catalog;
  readonly root: TrustRoot;
  /** The exact bytes that were signed and parsed. */
  readonly payload: Uint8Array;
  /** Lower-case hex SHA-256 of the payload. */
  readonly sha256: string;
  readonly image: Uint8Array;
  /** What the host must remember before it serves this catalog. */
  readonly state: TrustState;
}

/** All checks up to and including the first that failed. */
export type VerifyReport =
  | {
      readonly ok: true;
      readonly checks: readonly VerifyCheck[];
      readonly verified: VerifiedCatalog;
    }
  | { readonly ok: false; readonly checks: readonly VerifyCheck[]; readonly error: GuardError };

/**
 * Verifies a signed catalog from the container to the compiled image; stops at the first failure.
 *
 * The inputs must not change while this runs; `TrustedCatalog.open` copies them first.
 *
 * @returns a report; its `error` has one of the codes of 10-catalog section 3 (or CATALOG_LIMIT,
 *   IMAGE_LIMIT).
 * @throws {GuardError} ARGUMENT_INVALID when `nowMs`, `minVersion` or `rootPin` is malformed.
 */
export function verifyCatalog(input: VerifyInput): VerifyReport {
  return answerNow(report(input));
}

/** The same report, with the signatures verified by the host where it answers later. */
export function verifyCatalogLater(input: VerifyInput): Promise<VerifyReport> {
  return answerLater(report(input));
}

function* report(input: VerifyInput): Asking<VerifyReport> {
  assertNumbers(input);
  if (input.state !== undefined) assertTrustState(input.state);
  const checks: VerifyCheck[] = [];
  try {
    return { ok: true, checks, verified: yield* runChecks(input, checks) };
  } catch (error) {
    // a malformed argument is the caller's fault, not a finding about the catalog
    if (!(error instanceof GuardError) || error.code === "ARGUMENT_INVALID") throw error;
    return { ok: false, checks, error };
  }
}

function* runChecks(input: VerifyInput, checks: VerifyCheck[]): Asking<VerifiedCatalog> {
  const passed = <T>(name: VerifyCheckName, { value, detail }: Finding<T>): T => {
    checks.push({ name, ok: true, detail });
    return value;
  };
  const failed = (name: VerifyCheckName, error: unknown): unknown => {
    const detail = error instanceof Error ? error.message : "unknown fault";
    checks.push({ name, ok: false, detail });
    return error;
  };
  const check = <T>(name: VerifyCheckName, find: () => Finding<T>): T => {
    try {
      return passed(name, find());
    } catch (error) {
      throw failed(name, error);
    }
  };
  const ask = function* <T>(name: VerifyCheckName, find: Asking<Finding<T>>): Asking<T> {
    try {
      return passed(name, yield* find);
    } catch (error) {
      throw failed(name, error);
    }
  };
  const { nowMs, state, rootPin: pin, roots: envelopes } = input;
  const container = check("envelope", () => openContainer(input.signed));
  const root = yield* ask("root", openRoot({ envelopes, pin, state, nowMs }));
  const signers = yield* ask("signature", findSigners(container, root));
  const inRole = check("role", () => keepRole(signers, root));
  check("threshold", () => assertThreshold(inRole, root));
  check("type", () => assertType(container));
  const { payload } = container;
  const digest = fileSha256(payload);
  const catalog = check("schema", () => readCatalog(payload));
  check("expiry", () => assertNotExpired(catalog, nowMs));
  check("lifetime", () => assertLifetime(catalog, root));
  check("issued", () => assertIssued(catalog, nowMs));
  const next: TrustState = {
    rootVersion: root.version,
    rootSha256: root.sha256,
    catalogVersion: catalog.version,
    catalogSha256: toHex(digest),
  };
  check("version", () => assertVersion(next, root, state, input.minVersion));
  check("id", () => assertId(catalog, input.expectId));
  const image = check("image", () => {
    const value = compileImage(catalog, { catalogSha256: digest });
    return { value, detail: `${value.length} bytes` };
  });
  return { catalog, root, payload, sha256: next.catalogSha256, image, state: next };
}

/** WHY: every comparison with NaN is false, so a broken clock or floor would switch a check off. */
function assertNumbers({ nowMs, minVersion }: VerifyInput): void {
  if (!Number.isFinite(nowMs)) {
    throw new GuardError("ARGUMENT_INVALID", `expected the time in milliseconds, got ${nowMs}`);
  }
  if (minVersion !== undefined && !(Number.isSafeInteger(minVersion) && minVersion >= 1)) {
    const message = `expected a lowest catalog version from 1, got ${minVersion}`;
    throw new GuardError("ARGUMENT_INVALID", message);
  }
}
