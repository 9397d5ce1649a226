// `portcullis sign`: `catalog.toml` -> `catalog.dsse.json`. Nothing is signed that this host would
// not load.
import { LIMIT_ENVELOPE_BYTES } from "../abi/limits.ts";
import { bytesEqual, utf8 } from "../bytes.ts";
import { hasCrlf } from "../catalog/line-ends.ts";
import { parseCatalog } from "../catalog/parse.ts";
import { tomlText } from "../catalog/toml.ts";
import { CATALOG_PAYLOAD_TYPE } from "../catalog/verify-checks.ts";
import { GuardError } from "../errors.ts";
import { createEnvelope, type Envelope, parseEnvelope, serializeEnvelope } from "../sign/dsse.ts";
import { envelopeVersion, renewCatalog } from "./catalog-draft.ts";
import {
  addSignature,
  assertLoadable,
  catalogKey,
  openSigningHome,
  readCatalogFile,
  type SigningHome,
  signedResult,
} from "./catalog-signing.ts";
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import { addToConfig } from "./config.ts";
import { inFile } from "./fault.ts";
import { MODE_PUBLIC_FILE, readOptionalFile, writeFileAtomic } from "./files.ts";
import { DIR_OPTION } from "./home.ts";
import { signatureFiles } from "./trust-files.ts";

const spec: CommandSpec = {
  name: "sign",
  summary: "sign catalog.toml",
  usage: "[--key FILE] [--renew] [--dir DIR]",
  options: {
    key: {
      type: "string",
      value: "FILE",
      help: "a key of the role catalog; default: the one in keys/",
    },
    renew: {
      type: "boolean",
      help: "first make it a new version, issued now and valid as long as before",
    },
    ...DIR_OPTION,
  },
  notes: [
    "The catalog must be one that this host would load: parsed, compiled, in date, not older than\n" +
      "what was accepted before. With a threshold above 1 the signature is added to those that are\n" +
      "there, as long as they are of the same bytes; `portcullis cosign` insists on that.",
    "--renew writes `version`, `issued` and `expires` into catalog.toml, and nothing else.",
  ],
  examples: ["portcullis sign --key alice.pem", "portcullis sign --renew --key alice.pem"],
};

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  const home = await openSigningHome(args, io);
  const written = readCatalogFile(home);
  const existing = readOptionalFile(home.envelopeFile, LIMIT_ENVELOPE_BYTES);
  const payload = args.flag("renew") ? renewed(home, written, existing) : written;
  const catalog = assertLoadable(home, payload);
  const key = await catalogKey(spec, args, io, home);
  const old = existing === undefined ? undefined : sameCatalog(existing, payload);
  const start = old ?? createEnvelope(CATALOG_PAYLOAD_TYPE, payload, []);
  const envelope = addSignature(start, key, home.root);
  warn(home, payload, existing, io);
  if (home.config.id === undefined) addToConfig(home.path, { id: catalog.id });
  if (payload !== written) writeFileAtomic(home.catalogFile, payload, MODE_PUBLIC_FILE);
  writeFileAtomic(home.envelopeFile, serializeEnvelope(envelope), MODE_PUBLIC_FILE);
  return signedResult(home, { catalog, envelope, key }, io);
}

/** The catalog as the version behind every one that was signed or accepted, from the floor on. */
function renewed(
  home: SigningHome,
  payload: Uint8Array,
  envelope: Uint8Array | undefined,
): Uint8Array {
  return inFile(home.catalogFile, () => {
    const catalog = parseCatalog(payload);
    const seen = Math.max(home.state?.catalogVersion ?? 0, envelopeVersion(envelope));
    const version = Math.max(catalog.version, seen + 1, home.root.catalogVersionFloor);
    const text = tomlText(payload, "CATALOG");
    return utf8(renewCatalog(text, catalog, { version, nowMs: home.nowMs }));
  });
}

/** The envelope on file when it is of these bytes; a damaged one is replaced like any other. */
function sameCatalog(existing: Uint8Array, payload: Uint8Array): Envelope | undefined {
  let old: Envelope;
  try {
    old = parseEnvelope(existing);
  } catch (fault) {
    // the catalog beside it is what is signed
    if (fault instanceof GuardError) return undefined;
    throw fault;
  }
  const isSame = old.payloadType === CATALOG_PAYLOAD_TYPE && bytesEqual(old.payload, payload);
  return isSame ? old : undefined;
}

function warn(
  home: SigningHome,
  payload: Uint8Array,
  existing: Uint8Array | undefined,
  io: Io,
): void {
  if (hasCrlf(payload)) {
    io.note(
      "catalog.toml has CRLF line ends; when git converts them, its signature is lost: put " +
        "`*.toml -text` into .gitattributes",
    );
  }
  if (existing === undefined && signatureFiles(home.path).length > 0) {
    io.note("with catalog.dsse.json the OpenSSH signatures beside catalog.toml do not count");
  }
}

export const signCommand: ReportCommand = { spec, run };
