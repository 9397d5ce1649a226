// What `sign` and `cosign` share: a catalog that this host would load, a key that may sign it, and
// what is told afterwards.
import { join, resolve } from "node:path";

import { LIMIT_CATALOG_BYTES, LIMIT_SIGNATURES } from "../abi/limits.ts";
import { toHex } from "../bytes.ts";
import { compileImage } from "../catalog/compile.ts";
import { lineEndFault } from "../catalog/line-ends.ts";
import { parseCatalog } from "../catalog/parse.ts";
import type { TrustRoot } from "../catalog/root.ts";
import { verifyRootChain } from "../catalog/root-chain.ts";
import type { TrustState } from "../catalog/state.ts";
import type { Catalog } from "../catalog/types.ts";
import {
  assertId,
  assertIssued,
  assertLifetime,
  assertNotExpired,
  assertVersion,
} from "../catalog/verify-checks.ts";
import { systemClock } from "../clock.ts";
import { GuardError } from "../errors.ts";
import { sha256 } from "../kernel/digest.ts";
import { addSignatures, type Envelope, verifiedKeys } from "../sign/dsse.ts";
import type { PrivateKey } from "../sign/keys.ts";
import { usageFault } from "./arguments.ts";
import type { Arguments, CommandResult, CommandSpec, Io } from "./command.ts";
import { type Config, readConfig, requiredPin } from "./config.ts";
import { inFile } from "./fault.ts";
import { readOptionalFile } from "./files.ts";
import { assertHomeExists, authoringHome } from "./home.ts";
import { findKeys, loadPrivateKey } from "./private-key.ts";
import { CATALOG_NAME, ENVELOPE_NAME, readRoots, stateFile } from "./trust-files.ts";

/** A home in which a catalog can be signed. */
export interface SigningHome {
  readonly path: string;
  readonly config: Config;
  readonly root: TrustRoot;
  readonly state: TrustState | undefined;
  /** ms since the epoch. */
  readonly nowMs: number;
  /** Absolute path of `catalog.toml`. */
  readonly catalogFile: string;
  /** Absolute path of `catalog.dsse.json`. */
  readonly envelopeFile: string;
}

/**
 * Opens a home for signing; its trust root must be in force.
 *
 * @throws {GuardError} HOME_UNSAFE, HOME_INCOMPLETE, CONFIG_INVALID, STATE_CORRUPT, ROOT_*.
 */
export async function openSigningHome(args: Arguments, io: Io): Promise<SigningHome> {
  const home = authoringHome(args, io);
  assertHomeExists(home);
  const { path } = home;
  const config = readConfig(path);
  const pin = requiredPin(config, path);
  const state = await stateFile(path).load();
  const nowMs = systemClock();
  return {
    path,
    config,
    root: verifyRootChain({ envelopes: readRoots(path), pin, state, nowMs }),
    state,
    nowMs,
    catalogFile: join(path, CATALOG_NAME),
    envelopeFile: join(path, ENVELOPE_NAME),
  };
}

/** The bytes of `catalog.toml`. @throws {GuardError} HOME_INCOMPLETE when there is none */
export function readCatalogFile({ catalogFile: file }: SigningHome): Uint8Array {
  const payload = readOptionalFile(file, LIMIT_CATALOG_BYTES);
  if (payload !== undefined) return payload;
  const message = "expected a catalog, got none; write one, or start with `portcullis pin`";
  throw new GuardError("HOME_INCOMPLETE", message, { at: { file } });
}

/**
 * Every check of `verify` that does not need a signature.
 *
 * @throws {GuardError} CATALOG_*, with the place in `catalog.toml`.
 */
export function assertLoadable(home: SigningHome, payload: Uint8Array): Catalog {
  return inFile(home.catalogFile, () => {
    const catalog = parseCatalog(payload);
    const digest = sha256(payload);
    assertNotExpired(catalog, home.nowMs);
    assertLifetime(catalog, home.root);
    assertIssued(catalog, home.nowMs);
    const next: TrustState = {
      rootVersion: home.root.version,
      rootSha256: home.root.sha256,
      catalogVersion: catalog.version,
      catalogSha256: toHex(digest),
    };
    assertAccepted(home, next, payload);
    assertId(catalog, home.config.id);
    compileImage(catalog, { catalogSha256: digest });
    return catalog;
  });
}

/** The version against state and floor; of an accepted version in other bytes, says when only its
 * line ends are others. */
function assertAccepted(home: SigningHome, next: TrustState, payload: Uint8Array): void {
  try {
    assertVersion(next, home.root, home.state);
  } catch (fault) {
    if (!(fault instanceof GuardError) || fault.code !== "CATALOG_EQUIVOCATION") throw fault;
    const accepted = home.state?.catalogSha256;
    const isAccepted = (bytes: Uint8Array): boolean => toHex(sha256(bytes)) === accepted;
    const converted = lineEndFault(payload, isAccepted);
    if (converted === undefined) throw fault;
    const message = `expected the catalog version ${next.catalogVersion} that this host accepted`;
    throw new GuardError(fault.code, `${message} before, got ${converted}`, { cause: fault });
  }
}

/**
 * The key of `--key`, else the only catalog key in `keys/`.
 *
 * @throws {GuardError} CATALOG_ROLE when it does not hold the role catalog; USAGE when there is not
 *   one key to choose; what `loadPrivateKey` throws.
 */
export async function catalogKey(
  spec: CommandSpec,
  args: Arguments,
  io: Io,
  { path, root }: SigningHome,
): Promise<PrivateKey> {
  const holders = new Set(root.roles.catalog.keys.map(({ keyid }) => keyid));
  const named = args.text("key");
  const file = named === undefined ? await onlyKey(spec, path, holders) : resolve(io.cwd, named);
  const key = await loadPrivateKey(io, file);
  if (holders.has(key.keyid)) return key;
  const message = "expected a key that holds the role catalog, got one that does not";
  throw new GuardError("CATALOG_ROLE", `${message}; use one of the trust root`, { at: { file } });
}

async function onlyKey(
  spec: CommandSpec,
  homePath: string,
  holders: ReadonlySet<string>,
): Promise<string> {
  const keys = (await findKeys(join(homePath, "keys"))).filter(({ keyid }) => holders.has(keyid));
  const [only] = keys;
  if (only !== undefined && keys.length === 1) return only.file;
  throw usageFault(spec, "one catalog key in keys/, or --key FILE", `${keys.length} keys`);
}

/** The envelope with the key's signature, and with those of other catalog keys that are there. */
export function addSignature(envelope: Envelope, key: PrivateKey, root: TrustRoot): Envelope {
  // WHY: only signatures that count are kept, so that sixteen others cannot crowd them out
  const kept = envelope.signatures.filter(
    (signature) =>
      verifiedKeys({ ...envelope, signatures: [signature] }, root.roles.catalog.keys).size > 0,
  );
  const trimmed = { ...envelope, signatures: kept.slice(0, LIMIT_SIGNATURES - 1) };
  const isSigned = verifiedKeys(trimmed, [key.publicKey]).size > 0;
  return isSigned ? trimmed : addSignatures(trimmed, [key]);
}

/** What was signed, by whom, and who is missing. */
export function signedResult(
  home: SigningHome,
  signed: { readonly catalog: Catalog; readonly envelope: Envelope; readonly key: PrivateKey },
  io: Io,
): CommandResult {
  const { catalog, envelope, key } = signed;
  const { keys, threshold } = home.root.roles.catalog;
  const signers = [...verifiedKeys(envelope, keys)];
  const missing = Math.max(0, threshold - signers.length);
  const digest = toHex(sha256(envelope.payload));
  return {
    exitCode: 0,
    json: {
      file: home.envelopeFile,
      id: catalog.id,
      version: catalog.version,
      sha256: digest,
      keyid: key.keyid,
      signers,
      threshold,
      missing,
    },
    text: [
      `signed   ${catalog.id} version ${catalog.version}`,
      `sha256   ${digest}`,
      `with     ${key.keyid}`,
      `written  ${home.envelopeFile}`,
      missing === 0
        ? io.style.green(`complete: ${signers.length} of ${threshold} signatures needed`)
        : io.style.yellow(
            `incomplete: ${missing} more of ${threshold} signatures needed; add them with ` +
              "`portcullis cosign --key FILE`",
          ),
    ].join("\n"),
  };
}
