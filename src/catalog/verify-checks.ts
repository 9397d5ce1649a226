// The single checks of a signed catalog, one function for each row of 10-catalog section 3.
import { LIMIT_CATALOG_BYTES, LIMIT_SIGNATURES } from "../abi/limits.ts";
import { utf8Text } from "../bytes.ts";
import { GuardError, quote } from "../errors.ts";
import { type Asking, answerNow } from "../sign/asking.ts";
import { askVerifiedKeys, parseEnvelope } from "../sign/dsse.ts";
import type { PublicKey } from "../sign/keys.ts";
import { askVerifiedSshsigKeys, parseSshsig, SSHSIG_NAMESPACE } from "../sign/sshsig.ts";
import { lineEndFault } from "./line-ends.ts";
import { parseCatalog } from "./parse.ts";
import type { TrustRoot } from "./root.ts";
import { askRootChain, type RootChainInput } from "./root-chain.ts";
import { assertCatalogAdvances, type TrustState } from "./state.ts";
import type { Catalog } from "./types.ts";

export const CATALOG_PAYLOAD_TYPE = "application/vnd.portcullis.catalog.v1+toml";

/** Milliseconds that `issued` may lie ahead of the clock. */
export const ISSUED_AHEAD_MS_MAX = 300_000;
const DAY_MS = 86_400_000;

/** A signed catalog: one DSSE envelope, or a catalog with detached OpenSSH signatures. */
export type SignedCatalog =
  | { readonly envelope: Uint8Array }
  | { readonly toml: Uint8Array; readonly signatures: readonly Uint8Array[] };

/** What one check found, and the sentence for `--explain`. */
export interface Finding<T> {
  readonly value: T;
  readonly detail: string;
}

/** A container with its form set aside: the payload, what it claims to be, who signed it. */
export interface Container {
  readonly payload: Uint8Array;
  readonly type: { readonly expected: string; readonly actual: string };
  /** The keyids of those keys that signed `payload`; another in its place is to explain, never to decide. */
  readonly signers: (payload: Uint8Array, keys: readonly PublicKey[]) => Asking<Set<string>>;
}

export function openContainer(signed: SignedCatalog): Finding<Container> {
  if ("envelope" in signed) {
    const envelope = parseEnvelope(signed.envelope);
    assertCatalogSize(envelope.payload);
    const value: Container = {
      payload: envelope.payload,
      type: { expected: CATALOG_PAYLOAD_TYPE, actual: envelope.payloadType },
      signers: (payload, keys) => askVerifiedKeys({ ...envelope, payload }, keys),
    };
    return { value, detail: `DSSE envelope with ${envelope.signatures.length} signatures` };
  }
  const { toml, signatures } = signed;
  const count = signatures.length;
  if (count < 1 || count > LIMIT_SIGNATURES) {
    const message = `expected 1 to ${LIMIT_SIGNATURES} OpenSSH signature files, got ${count}`;
    throw new GuardError("CATALOG_ENVELOPE", message);
  }
  assertCatalogSize(toml);
  // WHY: U+FFFD for bytes that are not UTF-8; no PEM holds one, so the reader refuses the text
  const parsed = signatures.map((bytes) => parseSshsig(utf8Text(bytes) ?? "\ufffd"));
  const value: Container = {
    payload: toml,
    // parseSshsig has refused every other namespace
    type: { expected: SSHSIG_NAMESPACE, actual: SSHSIG_NAMESPACE },
    signers: (payload, keys) => askVerifiedSshsigKeys(payload, parsed, keys),
  };
  return { value, detail: `catalog with ${count} OpenSSH signatures` };
}

function assertCatalogSize(payload: Uint8Array): void {
  if (payload.length > LIMIT_CATALOG_BYTES) {
    const message =
      `expected a catalog of at most ${LIMIT_CATALOG_BYTES} bytes, got ` + `${payload.length}`;
    throw new GuardError("CATALOG_LIMIT", message);
  }
}

export function* openRoot(input: RootChainInput): Asking<Finding<TrustRoot>> {
  const value = yield* askRootChain(input);
  const anchor = input.pin === undefined ? "" : ", pinned";
  const detail = `version ${value.version}${anchor}, expires ${instantText(value.expiresMs)}`;
  return { value, detail };
}

export function* findSigners(
  { payload, signers }: Container,
  root: TrustRoot,
): Asking<Finding<Set<string>>> {
  const keys = [...root.keys.values()];
  const value = yield* signers(payload, keys);
  if (value.size === 0) {
    const converted = lineEndFault(payload, (bytes) => answerNow(signers(bytes, keys)).size > 0);
    throw new GuardError(
      "CATALOG_SIGNATURE_INVALID",
      converted === undefined
        ? "expected a valid signature by a key of the trust root, got none; the catalog was " +
            "changed after signing or signed with an unknown key"
        : `expected the catalog that a key of the trust root signed, got ${converted}`,
    );
  }
  return { value, detail: `${value.size} keys of the trust root signed these bytes` };
}

export function keepRole(signers: ReadonlySet<string>, root: TrustRoot): Finding<number> {
  const value = root.roles.catalog.keys.filter(({ keyid }) => signers.has(keyid)).length;
  if (value === 0) {
    throw new GuardError(
      "CATALOG_ROLE",
      "expected a signature by a key of the role catalog, got only keys of other roles; sign " +
        "with a catalog key",
    );
  }
  return { value, detail: `${value} of them hold the role catalog` };
}

export function assertThreshold(count: number, root: TrustRoot): Finding<undefined> {
  const { threshold } = root.roles.catalog;
  if (count < threshold) {
    throw new GuardError(
      "CATALOG_THRESHOLD",
      `expected signatures by ${threshold} keys of the role catalog, got ${count}; add the ` +
        "others with `portcullis cosign`",
    );
  }
  return { value: undefined, detail: `${count} of ${threshold} needed` };
}

export function assertType(container: Container): Finding<undefined> {
  const { expected, actual } = container.type;
  if (actual !== expected) {
    const message =
      `expected the payload type \`${expected}\`, got ${quote(actual)}; a ` +
      "signature for something else is not one for a catalog";
    throw new GuardError("CATALOG_TYPE", message);
  }
  return { value: undefined, detail: actual };
}

export function readCatalog(payload: Uint8Array): Finding<Catalog> {
  const value = parseCatalog(payload);
  return { value, detail: `catalog ${quote(value.id)} with ${value.servers.size} servers` };
}

export function assertNotExpired(catalog: Catalog, nowMs: number): Finding<undefined> {
  const expires = instantText(catalog.expiresMs);
  if (nowMs >= catalog.expiresMs) {
    const message =
      "expected a catalog that is not expired, got one that expired at " +
      `${expires}; review it and sign it again`;
    throw new GuardError("CATALOG_EXPIRED", message, { at: { path: "expires" } });
  }
  return { value: undefined, detail: `expires ${expires}` };
}

export function assertLifetime(catalog: Catalog, root: TrustRoot): Finding<undefined> {
  const { maxLifetimeDays } = root.roles.catalog;
  const lifetimeMs = catalog.expiresMs - catalog.issuedMs;
  if (lifetimeMs > maxLifetimeDays * DAY_MS) {
    const message =
      `expected a lifetime of at most ${maxLifetimeDays} days, got ` +
      `${Math.ceil(lifetimeMs / DAY_MS)}; choose an earlier \`expires\``;
    throw new GuardError("CATALOG_LIFETIME", message, { at: { path: "expires" } });
  }
  return { value: undefined, detail: `at most ${maxLifetimeDays} days` };
}

export function assertIssued(catalog: Catalog, nowMs: number): Finding<undefined> {
  const issued = instantText(catalog.issuedMs);
  if (catalog.issuedMs > nowMs + ISSUED_AHEAD_MS_MAX) {
    const message =
      `expected a catalog issued by now, got one issued at ${issued}; check the ` +
      "clock of this host";
    throw new GuardError("CATALOG_NOT_YET_VALID", message, { at: { path: "issued" } });
  }
  return { value: undefined, detail: `issued ${issued}` };
}

export function assertVersion(
  next: TrustState,
  root: TrustRoot,
  state: TrustState | undefined,
  minVersion = 1,
): Finding<undefined> {
  assertCatalogAdvances(state, next.catalogVersion, next.catalogSha256);
  const floor = Math.max(root.catalogVersionFloor, minVersion);
  if (next.catalogVersion < floor) {
    const message =
      `expected catalog version ${floor} or newer, got ${next.catalogVersion}; ` +
      "the trust root or this host refuses older ones";
    throw new GuardError("CATALOG_ROLLBACK", message, { at: { path: "version" } });
  }
  const stored = state === undefined ? "no state" : `accepted before: ${state.catalogVersion}`;
  return { value: undefined, detail: `version ${next.catalogVersion}, floor ${floor}, ${stored}` };
}

export function assertId(catalog: Catalog, expectId: string | undefined): Finding<undefined> {
  if (expectId !== undefined && catalog.id !== expectId) {
    const message =
      `expected the catalog ${quote(expectId)}, got ${quote(catalog.id)}; ` +
      "another tenant's catalog is not this host's";
    throw new GuardError("CATALOG_ID", message, { at: { path: "id" } });
  }
  return { value: undefined, detail: expectId === undefined ? "any id" : quote(expectId) };
}

function instantText(ms: number): string {
  return new Date(ms).toISOString();
}
