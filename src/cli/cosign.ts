// `portcullis cosign`: one more signature under exactly the catalog that others have signed.
import { LIMIT_ENVELOPE_BYTES } from "../abi/limits.ts";
import { bytesEqual } from "../bytes.ts";
import { lineEndFault } from "../catalog/line-ends.ts";
import { CATALOG_PAYLOAD_TYPE } from "../catalog/verify-checks.ts";
import { GuardError, quote } from "../errors.ts";
import { type Envelope, parseEnvelope, serializeEnvelope } from "../sign/dsse.ts";
import { requiredText } from "./arguments.ts";
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
import { inFile } from "./fault.ts";
import { MODE_PUBLIC_FILE, readOptionalFile, writeFileAtomic } from "./files.ts";
import { DIR_OPTION } from "./home.ts";

const spec: CommandSpec = {
  name: "cosign",
  summary: "add a signature to the signed catalog",
  usage: "--key FILE [--dir DIR]",
  options: {
    key: { type: "string", value: "FILE", help: "a key of the role catalog" },
    ...DIR_OPTION,
  },
  notes: [
    "catalog.dsse.json must hold exactly the bytes of catalog.toml beside it: what you reviewed is\n" +
      "what you sign. Everything else is checked as by `portcullis sign`.",
  ],
  examples: ["portcullis cosign --key bob.pem"],
};

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  requiredText(spec, args, "key");
  const home = await openSigningHome(args, io);
  const payload = readCatalogFile(home);
  const envelope = readEnvelope(home);
  inFile(home.envelopeFile, () => assertSamePayload(envelope, payload));
  const catalog = assertLoadable(home, payload);
  const key = await catalogKey(spec, args, io, home);
  const signed = addSignature(envelope, key, home.root);
  writeFileAtomic(home.envelopeFile, serializeEnvelope(signed), MODE_PUBLIC_FILE);
  return signedResult(home, { catalog, envelope: signed, key }, io);
}

function readEnvelope({ envelopeFile: file }: SigningHome): Envelope {
  const bytes = readOptionalFile(file, LIMIT_ENVELOPE_BYTES);
  if (bytes === undefined) {
    const message = "expected a signed catalog, got none; the first signature is made with";
    throw new GuardError("CATALOG_ENVELOPE", `${message} \`portcullis sign\``, { at: { file } });
  }
  return inFile(file, () => parseEnvelope(bytes));
}

/** @throws {GuardError} CATALOG_TYPE, or CATALOG_ENVELOPE when the bytes are others. */
function assertSamePayload(envelope: Envelope, payload: Uint8Array): void {
  const { payloadType } = envelope;
  if (payloadType !== CATALOG_PAYLOAD_TYPE) {
    const message = `expected the payload type \`${CATALOG_PAYLOAD_TYPE}\`, got ${quote(payloadType)}`;
    throw new GuardError("CATALOG_TYPE", message);
  }
  if (bytesEqual(envelope.payload, payload)) return;
  const converted = lineEndFault(payload, (bytes) => bytesEqual(bytes, envelope.payload));
  const message = "expected an envelope of exactly catalog.toml, got one whose payload differs";
  const advice =
    converted === undefined
      ? "review catalog.toml and start again with `portcullis sign`"
      : `catalog.toml is ${converted}`;
  throw new GuardError("CATALOG_ENVELOPE", `${message} from it; ${advice}`);
}

export const cosignCommand: ReportCommand = { spec, run };
