// `portcullis sign`: `catalog.toml` -> `catalog.dsse.json`. Nothing is signed that this host would
// not load.
import { join, resolve } from "node:path";

import { LIMIT_CATALOG_BYTES, LIMIT_ENVELOPE_BYTES, LIMIT_SIGNATURES } from "../abi/limits.ts";
import { bytesEqual, toHex } from "../bytes.ts";
import { compileImage } from "../catalog/compile.ts";
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
  CATALOG_PAYLOAD_TYPE,
} from "../catalog/verify-checks.ts";
import { systemClock } from "../clock.ts";
import { GuardError } from "../errors.ts";
import { sha256 } from "../kernel/digest.ts";
import {
  addSignatures,
  createEnvelope,
  type Envelope,
  parseEnvelope,
  serializeEnvelope,
  verifiedKeys,
} from "../sign/dsse.ts";
import type { PrivateKey } from "../sign/keys.ts";
import { usageFault } from "./arguments.ts";
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import { addToConfig, readConfig, requiredPin } from "./config.ts";
import { inFile } from "./fault.ts";
import { MODE_PUBLIC_FILE, readOptionalFile, writeFileAtomic } from "./files.ts";
import { assertHomeExists, authoringHome, DIR_OPTION } from "./home.ts";
import { findKeys, loadPrivateKey } from "./private-key.ts";
import { CATALOG_NAME, ENVELOPE_NAME, readRoots, stateFile } from "./trust-files.ts";

const spec: CommandSpec = {
  name: "sign",
  summary: "sign catalog.toml",
  usage: "[--key FILE] [--dir DIR]",
  options: {
    key: {
      type: "string",
      value: "FILE",
      help: "a key of the role catalog; default: the one in keys/",
    },
    ...DIR_OPTION,
  },
  notes: [
    "The catalog must be one that this host would load: parsed, compiled, in date, not older than\n" +
      "what was accepted before. With a threshold above 1 the signature is added to those that are\n" +
      "there, as long as they are of the same bytes.",
  ],
  examples: ["portcullis sign --key alice.pem"],
};

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  const home = authoringHome(args, io);
  assertHomeExists(home);
  const config = readConfig(home.path);
  const pin = requiredPin(config, home.path);
  const file = join(home.path, CATALOG_NAME);
  const payload = readCatalogFile(file);
  const state = await stateFile(home.path).load();
  const nowMs = systemClock();
  const root = verifyRootChain({ envelopes: readRoots(home.path), pin, state, nowMs });
  const catalog = inFile(file, () =>
    assertLoadable(payload, { root, state, nowMs, expectId: config.id }),
  );
  const key = await catalogKey(args, io, home.path, root);
  const envelopeFile = join(home.path, ENVELOPE_NAME);
  const envelope = signInto(
    readOptionalFile(envelopeFile, LIMIT_ENVELOPE_BYTES),
    payload,
    key,
    root,
  );
  const signers = [...verifiedKeys(envelope, root.roles.catalog.keys)];
  if (config.id === undefined) addToConfig(home.path, { id: catalog.id });
  writeFileAtomic(envelopeFile, serializeEnvelope(envelope), MODE_PUBLIC_FILE);
  const { threshold } = root.roles.catalog;
  const missing = Math.max(0, threshold - signers.length);
  const digest = toHex(sha256(payload));
  return {
    exitCode: 0,
    json: {
      file: envelopeFile,
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
      `written  ${envelopeFile}`,
      missing === 0
        ? io.style.green(`complete: ${signers.length} of ${threshold} signatures needed`)
        : io.style.yellow(`incomplete: ${missing} more of ${threshold} signatures needed`),
    ].join("\n"),
  };
}

function readCatalogFile(file: string): Uint8Array {
  const payload = readOptionalFile(file, LIMIT_CATALOG_BYTES);
  if (payload !== undefined) return payload;
  const message = "expected a catalog, got none; write one, or start with `portcullis pin`";
  throw new GuardError("HOME_INCOMPLETE", message, { at: { file } });
}

/** Every check of `verify` that does not need a signature. */
function assertLoadable(
  payload: Uint8Array,
  host: {
    readonly root: TrustRoot;
    readonly state: TrustState | undefined;
    readonly nowMs: number;
    readonly expectId: string | undefined;
  },
): Catalog {
  const catalog = parseCatalog(payload);
  const digest = sha256(payload);
  assertNotExpired(catalog, host.nowMs);
  assertLifetime(catalog, host.root);
  assertIssued(catalog, host.nowMs);
  const next: TrustState = {
    rootVersion: host.root.version,
    rootSha256: host.root.sha256,
    catalogVersion: catalog.version,
    catalogSha256: toHex(digest),
  };
  assertVersion(next, host.root, host.state);
  assertId(catalog, host.expectId);
  compileImage(catalog, { catalogSha256: digest });
  return catalog;
}

async function catalogKey(
  args: Arguments,
  io: Io,
  homePath: string,
  root: TrustRoot,
): Promise<PrivateKey> {
  const holders = new Set(root.roles.catalog.keys.map(({ keyid }) => keyid));
  const named = args.text("key");
  const file = named === undefined ? await onlyKey(homePath, holders) : resolve(io.cwd, named);
  const key = await loadPrivateKey(io, file);
  if (holders.has(key.keyid)) return key;
  const message = "expected a key that holds the role catalog, got one that does not";
  throw new GuardError("CATALOG_ROLE", `${message}; use one of the trust root`, { at: { file } });
}

async function onlyKey(homePath: string, holders: ReadonlySet<string>): Promise<string> {
  const keys = (await findKeys(join(homePath, "keys"))).filter(({ keyid }) => holders.has(keyid));
  const [only] = keys;
  if (only !== undefined && keys.length === 1) return only.file;
  throw usageFault(spec, "one catalog key in keys/, or --key FILE", `${keys.length} keys`);
}

/** The envelope on file with one more signature when it is of these bytes, else a new one. */
function signInto(
  existing: Uint8Array | undefined,
  payload: Uint8Array,
  key: PrivateKey,
  root: TrustRoot,
): Envelope {
  const fresh = createEnvelope(CATALOG_PAYLOAD_TYPE, payload, [key]);
  if (existing === undefined) return fresh;
  let old: Envelope;
  try {
    old = parseEnvelope(existing);
  } catch (fault) {
    // a damaged envelope is replaced: the catalog beside it is what is signed
    if (fault instanceof GuardError) return fresh;
    throw fault;
  }
  if (old.payloadType !== CATALOG_PAYLOAD_TYPE || !bytesEqual(old.payload, payload)) return fresh;
  // WHY: only signatures that count are kept, so that sixteen others cannot crowd them out
  const kept = old.signatures.filter(
    (signature) =>
      verifiedKeys({ ...old, signatures: [signature] }, root.roles.catalog.keys).size > 0,
  );
  const trimmed = { ...old, signatures: kept.slice(0, LIMIT_SIGNATURES - 1) };
  const isSigned = verifiedKeys(trimmed, [key.publicKey]).size > 0;
  return isSigned ? trimmed : addSignatures(trimmed, [key]);
}

export const signCommand: ReportCommand = { spec, run };
