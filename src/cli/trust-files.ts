// What a home holds to be believed: the chain of trust roots, the signed catalog, the state.
import { readdirSync } from "node:fs";
import { join } from "node:path";

import {
  LIMIT_CATALOG_BYTES,
  LIMIT_ENVELOPE_BYTES,
  LIMIT_ROOT_HOPS,
  LIMIT_SIGNATURES,
} from "../abi/limits.ts";
import type { CatalogEvidence } from "../audit/evidence.ts";
import { utf8Text } from "../bytes.ts";
import { LIMIT_ROOT_BYTES } from "../catalog/root.ts";
import type { TrustState, TrustStateStore } from "../catalog/state.ts";
import { type OpenOptions, TrustedCatalog } from "../catalog/trusted.ts";
import type { SignedCatalog } from "../catalog/verify-checks.ts";
import { GuardError } from "../errors.ts";
import { keyidOf } from "../sign/keys.ts";
import { parseSshsig } from "../sign/sshsig.ts";
import { type Config, readConfig, requiredPin } from "./config.ts";
import { inFile } from "./fault.ts";
import { ioFault, readOptionalFile, readRequiredFile } from "./files.ts";
import { assertHomeExists, type Home } from "./home.ts";
import { FileTrustState } from "./state-file.ts";

export const ENVELOPE_NAME = "catalog.dsse.json";
export const CATALOG_NAME = "catalog.toml";
export const LOCK_NAME = "catalog.lock.json";
export const STATE_NAME = "state.json";

/** `catalog.toml.<first 8 hex digits of the keyid>.sig`; any other middle part is as good. */
const SIGNATURE_FILE = /^catalog\.toml\..+\.sig$/s;
const ROOT_FILE = /^root\.([1-9]\d*)\.dsse\.json$/;
/** Bytes of one OpenSSH signature file, at most; a real one has under 400. */
const LIMIT_SIGNATURE_BYTES = 65_536;

/** The trust root's envelopes, oldest first. @throws {GuardError} FILE_UNREADABLE, ROOT_CHAIN */
export function readRoots(homePath: string): readonly Uint8Array[] {
  const versions = names(homePath)
    .map((name) => ROOT_FILE.exec(name)?.[1])
    .filter((text) => text !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
  if (versions.length > LIMIT_ROOT_HOPS + 1) {
    const message = `expected at most ${LIMIT_ROOT_HOPS + 1} trust roots, got ${versions.length}`;
    throw new GuardError("ROOT_CHAIN", message, { at: { file: homePath } });
  }
  return versions.map((version) => readRequiredFile(rootFile(homePath, version), LIMIT_ROOT_BYTES));
}

export function rootFile(homePath: string, version: number): string {
  return join(homePath, `root.${version}.dsse.json`);
}

/**
 * The signed catalog: the envelope when there is one, else the catalog with its OpenSSH
 * signatures. The two forms are never mixed.
 *
 * @throws {GuardError} CATALOG_ENVELOPE when there is neither; FILE_UNREADABLE.
 */
export function readSigned(homePath: string): SignedCatalog {
  const envelope = readOptionalFile(join(homePath, ENVELOPE_NAME), LIMIT_ENVELOPE_BYTES);
  if (envelope !== undefined) return { envelope };
  const toml = readOptionalFile(join(homePath, CATALOG_NAME), LIMIT_CATALOG_BYTES);
  const files = signatureFiles(homePath);
  if (toml === undefined || files.length === 0) throw notSigned(homePath);
  // one more than may count is enough for the reader to refuse
  const signatures = files
    .slice(0, LIMIT_SIGNATURES + 1)
    .map((file) => readRequiredFile(file, LIMIT_SIGNATURE_BYTES));
  return { toml, signatures };
}

/** Absolute paths of the OpenSSH signatures of the catalog, one a signer. */
export function signatureFiles(homePath: string): readonly string[] {
  return names(homePath)
    .filter((name) => SIGNATURE_FILE.test(name))
    .sort()
    .map((name) => join(homePath, name));
}

/** WHY: `ssh-keygen -Y sign` writes one name for every signer, and the second overwrites the first. */
function notSigned(homePath: string): GuardError {
  const file = join(homePath, `${CATALOG_NAME}.sig`);
  const bytes = readOptionalFile(file, LIMIT_SIGNATURE_BYTES);
  if (bytes === undefined) {
    const message = "expected a signed catalog, got none; write catalog.toml and sign it";
    return new GuardError("CATALOG_ENVELOPE", `${message} with \`portcullis sign\``, {
      at: { file: join(homePath, ENVELOPE_NAME) },
    });
  }
  return inFile(file, () => {
    const { publicKey } = parseSshsig(utf8Text(bytes) ?? "\ufffd");
    const wanted = `${CATALOG_NAME}.${keyidOf(publicKey).slice(0, 8)}.sig`;
    const message = `expected a signature file named ${wanted}, got ${CATALOG_NAME}.sig; rename it`;
    return new GuardError("CATALOG_ENVELOPE", message, { at: { file } });
  });
}

export function stateFile(homePath: string): FileTrustState {
  return new FileTrustState(join(homePath, STATE_NAME));
}

export interface OpenedHome {
  readonly catalog: TrustedCatalog;
  readonly config: Config;
  /** The files that it was opened from, for the audit log. */
  readonly evidence: CatalogEvidence;
}

/**
 * Verifies the catalog of a home.
 *
 * @param remembers false: the state is compared with and not written
 * @throws {GuardError} HOME_INCOMPLETE, CONFIG_INVALID, FILE_UNREADABLE, and everything that
 *   `TrustedCatalog.open` throws.
 */
export async function openHome(
  home: Home,
  options: { readonly remembers: boolean },
): Promise<OpenedHome> {
  assertHomeExists(home);
  const config = readConfig(home.path);
  const rootPin = requiredPin(config, home.path);
  const store = stateFile(home.path);
  const signed = readSigned(home.path);
  const roots = readRoots(home.path);
  const settings = {
    root: roots,
    rootPin,
    expectId: config.id,
    state: options.remembers ? store : new ReadOnlyState(store),
  };
  const open: OpenOptions =
    "envelope" in signed ? { ...settings, envelope: signed.envelope } : { ...settings, ...signed };
  const catalog = await TrustedCatalog.open(open);
  return { catalog, config, evidence: { signed, roots, catalogSha256: catalog.sha256 } };
}

/** A state that is read and never written: for commands that only look. */
class ReadOnlyState implements TrustStateStore {
  readonly #store: TrustStateStore;

  constructor(store: TrustStateStore) {
    this.#store = store;
  }

  load(): Promise<TrustState | undefined> {
    return this.#store.load();
  }

  async save(): Promise<void> {
    // looking changes nothing
  }
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    throw ioFault("expected a readable folder", folder, cause);
  }
}
