// `portcullis root init`: the first trust root of a home, pinned in its configuration.
import { basename, extname, join, resolve } from "node:path";
import { LIMIT_CATALOG_BYTES } from "../abi/limits.ts";
import { utf8 } from "../bytes.ts";
import { parseCatalog } from "../catalog/parse.ts";
import { parseRoot, ROOT_PAYLOAD_TYPE } from "../catalog/root.ts";
import { createRoot } from "../catalog/root-text.ts";
import { systemClock } from "../clock.ts";
import { GuardError, quote } from "../errors.ts";
import { createEnvelope, serializeEnvelope } from "../sign/dsse.ts";
import { writePrivateKey, writePublicKey } from "../sign/key-file.ts";
import { generatePrivateKey, type PrivateKey, type PublicKey } from "../sign/keys.ts";
import { listOf, requiredText, usageFault } from "./arguments.ts";
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import { addToConfig, configFile, readConfig } from "./config.ts";
import { inFile } from "./fault.ts";
import {
  assertAbsent,
  MODE_PRIVATE_FILE,
  MODE_PUBLIC_FILE,
  makePrivateFolder,
  readOptionalFile,
  writeNewFile,
} from "./files.ts";
import { DIR_OPTION, guardHome } from "./home.ts";
import { loadPrivateKey, loadPublicKey } from "./private-key.ts";
import { rootExpiry } from "./root-edit.ts";
import { readCount } from "./root-options.ts";
import { CATALOG_NAME, readRoots, rootFile } from "./trust-files.ts";

const MAX_LIFETIME_DAYS = 120;
const AUDIT_KEY = join("keys", "audit.pem");

const spec: CommandSpec = {
  name: "root init",
  summary: "make the trust root of this host and pin it",
  usage:
    "--key FILE[,FILE...] [--threshold N] [--audit-key FILE] [--floor N]\n         [--dir DIR]",
  options: {
    key: { type: "string", value: "FILE,...", help: "private keys for the roles root and catalog" },
    threshold: { type: "string", value: "N", help: "how many of them must sign; default 1" },
    "audit-key": {
      type: "string",
      value: "FILE",
      help: "key of the audit log; default: a new one",
    },
    floor: { type: "string", value: "N", help: "lowest catalog version accepted; default 1" },
    ...DIR_OPTION,
  },
  notes: [
    "The root expires in two years and allows catalogs of at most 120 days. Its digest goes to\n" +
      "config.toml as root_pin. A new audit key goes to keys/audit.pem.",
  ],
  examples: [
    "portcullis root init --key alice.pem",
    "portcullis root init --key alice.pem,bob.pem --threshold 2",
  ],
};

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  const files = listOf(spec, "key", requiredText(spec, args, "key"));
  const threshold = readThreshold(args.text("threshold"), files.length);
  const floor = readCount(spec, "a --floor", args.text("floor") ?? "1");
  const { path: home, exists } = guardHome(args, io);
  if (exists) assertNoRoot(home);
  const named = new Map<string, PublicKey>();
  const signers: PrivateKey[] = [];
  for (const file of files) {
    const key = await loadPrivateKey(io, resolve(io.cwd, file));
    signers.push(key);
    named.set(freeName(keyName(file), named), key.publicKey);
  }
  const keyNames = [...named.keys()];
  const audit = await auditKey(args, io, home);
  const auditName = freeName("audit", named);
  const expiresMs = rootExpiry(systemClock());
  const payload = createRoot({
    version: 1,
    expiresMs,
    catalogVersionFloor: floor,
    keys: new Map([...named, [auditName, audit.publicKey]]),
    roles: {
      root: { keys: keyNames, threshold },
      catalog: { keys: keyNames, threshold, maxLifetimeDays: MAX_LIFETIME_DAYS },
      audit: { keys: [auditName], threshold: 1 },
    },
  });
  const rootPin = `sha256:${parseRoot(utf8(payload)).sha256}`;
  const id = existingId(home);
  await writeHome({ home, payload, signers, rootPin, id, newAudit: audit.created });
  const expires = new Date(expiresMs).toISOString();
  const keys = [...named].map(([name, { keyid }]) => ({ name, keyid }));
  return {
    exitCode: 0,
    json: {
      dir: home,
      version: 1,
      rootPin,
      threshold,
      floor,
      keys,
      audit: { name: auditName, keyid: audit.publicKey.keyid, file: audit.file },
      expires,
      ...(id === undefined ? {} : { id }),
    },
    text: [
      `home      ${home}`,
      `root      version 1, expires ${expires}, ${threshold} of ${keys.length} keys must sign`,
      ...keys.map(({ name, keyid }) => `key       ${name}  ${keyid}`),
      `audit     ${auditName}  ${audit.publicKey.keyid}  ${audit.file}`,
      `pinned    ${io.style.bold(rootPin)}`,
      `next      portcullis pin NAME -- CMD ARGS..., then portcullis sign`,
    ].join("\n"),
  };
}

interface HomeFiles {
  readonly home: string;
  readonly payload: string;
  readonly signers: readonly PrivateKey[];
  readonly rootPin: string;
  readonly id: string | undefined;
  readonly newAudit: PrivateKey | undefined;
}

async function writeHome(files: HomeFiles): Promise<void> {
  const { home, payload, signers, rootPin, newAudit } = files;
  makePrivateFolder(home);
  if (newAudit !== undefined) {
    const file = join(home, AUDIT_KEY);
    makePrivateFolder(join(home, "keys"));
    writeNewFile(file, await writePrivateKey(newAudit), MODE_PRIVATE_FILE);
    writeNewFile(`${file}.pub`, writePublicKey(newAudit.publicKey), MODE_PUBLIC_FILE);
  }
  const envelope = createEnvelope(ROOT_PAYLOAD_TYPE, utf8(payload), signers);
  writeNewFile(rootFile(home, 1), serializeEnvelope(envelope), MODE_PUBLIC_FILE);
  const known = readConfig(home).id;
  addToConfig(home, { rootPin, id: known === undefined ? files.id : undefined });
}

/** WHY: another root 1 would be another identity of this host: a new home, not a new file. */
function assertNoRoot(home: string): void {
  if (readConfig(home).rootPin !== undefined) throw rootExists(configFile(home), "a pinned one");
  if (readRoots(home).length > 0) throw rootExists(home, "one");
}

function rootExists(file: string, got: string): GuardError {
  const message = `expected a home without a trust root, got ${got}; use another --dir`;
  return new GuardError("FILE_EXISTS", message, { at: { file } });
}

function readThreshold(text: string | undefined, keyCount: number): number {
  if (text === undefined) return 1;
  const threshold = Number(text);
  if (/^[1-9]\d{0,2}$/.test(text) && threshold <= keyCount) return threshold;
  throw usageFault(spec, `a --threshold from 1 to ${keyCount}, the number of keys`, quote(text));
}

interface AuditKey {
  readonly publicKey: PublicKey;
  readonly file: string;
  /** To be written, when it is new. */
  readonly created: PrivateKey | undefined;
}

/** The key of the role audit: the one in the named file, public or private, or a new pair. */
async function auditKey(args: Arguments, io: Io, home: string): Promise<AuditKey> {
  const given = args.text("audit-key");
  if (given === undefined) {
    const created = generatePrivateKey();
    const file = join(home, AUDIT_KEY);
    assertAbsent(file);
    assertAbsent(`${file}.pub`);
    return { publicKey: created.publicKey, file, created };
  }
  const file = resolve(io.cwd, given);
  return { publicKey: await loadPublicKey(io, file), file, created: undefined };
}

function existingId(home: string): string | undefined {
  const file = join(home, CATALOG_NAME);
  const bytes = readOptionalFile(file, LIMIT_CATALOG_BYTES);
  return bytes === undefined ? undefined : inFile(file, () => parseCatalog(bytes).id);
}

/** The name of a key: that of its file, without what a trust root does not take. */
function keyName(file: string): string {
  const name = basename(file, extname(file))
    .replace(/[^A-Za-z0-9_.-]/g, "-")
    .slice(0, 60);
  return /^[A-Za-z0-9]/.test(name) ? name : `key${name}`.slice(0, 60);
}

function freeName(wanted: string, taken: ReadonlyMap<string, PublicKey>): string {
  if (!taken.has(wanted)) return wanted;
  for (let number = 2; ; number++) {
    const name = `${wanted}-${number}`;
    if (!taken.has(name)) return name;
  }
}

export const rootInitCommand: ReportCommand = { spec, run };
