// What the `audit` commands read: the logs of a home, or of a folder that was copied, and the trust
// roots that name the audit keys.
import { resolve } from "node:path";
import { readAuditFolder } from "../audit/file-folder.ts";
import type { AuditLogInput } from "../audit/input.ts";
import type { AuditProgress, VerifyAuditOptions } from "../audit/verify.ts";
import { parseRoot, type TrustRoot } from "../catalog/root.ts";
import { verifyRootChain } from "../catalog/root-chain.ts";
import { GuardError, quote } from "../errors.ts";
import { parseEnvelope } from "../sign/dsse.ts";
import type { RegisteredLog } from "../store/records.ts";
import { listOf } from "./arguments.ts";
import type { Arguments, CommandSpec, Io, OptionSpec } from "./command.ts";
import { readConfig, requiredPin } from "./config.ts";
import { ioFault, readRequiredFile } from "./files.ts";
import { assertHomeExists, guardHome } from "./home.ts";
import { withStateIfAny } from "./state-db.ts";
import { readRoots } from "./trust-files.ts";

/** Options of every `audit` command, besides `--dir`. */
export const LOGS_OPTIONS: Readonly<Record<"logs" | "origin", OptionSpec>> = {
  logs: { type: "string", value: "FOLDER", help: "logs of another place; default: DIR/audit" },
  origin: { type: "string", value: "ORIGIN", help: "one log alone" },
};

/** Bytes of a checkpoint file, at most. */
const LIMIT_CHECKPOINT_BYTES = 4096;

/** The logs that a command is about. */
export interface AuditHome {
  /** Absolute path of the home. */
  readonly path: string;
  /** Absolute path of the logs. */
  readonly folder: string;
  readonly logs: readonly AuditLogInput[];
}

/**
 * Finds the logs.
 *
 * @throws {GuardError} HOME_INCOMPLETE, HOME_UNSAFE; FILE_UNREADABLE; ARGUMENT_INVALID when there is
 *   no log of that origin
 */
export function openAuditHome(args: Arguments, io: Io): AuditHome {
  const home = guardHome(args, io);
  assertHomeExists(home);
  const folder = auditFolder(args, io);
  const origin = args.text("origin");
  const all = readLogs(folder);
  const logs = all.filter((log) => origin === undefined || log.origin === origin);
  if (origin !== undefined && logs.length === 0) {
    const message = `expected the origin of a log, got ${quote(origin)}; see \`portcullis audit verify\``;
    throw new GuardError("ARGUMENT_INVALID", message, { at: { file: folder } });
  }
  return { path: home.path, folder, logs };
}

/** Absolute path of the folder of logs. */
export function auditFolder(args: Arguments, io: Io): string {
  const typed = args.text("logs");
  return typed === undefined ? resolve(guardHome(args, io).path, "audit") : resolve(io.cwd, typed);
}

/** @throws {GuardError} FILE_UNREADABLE */
export function readLogs(folder: string): readonly AuditLogInput[] {
  try {
    return readAuditFolder(folder).map(({ input }) => input);
  } catch (cause) {
    throw ioFault("expected a readable folder of audit logs", folder, cause);
  }
}

/**
 * What `verifyAuditLog` takes. A copied folder, and one log alone, are verified for themselves: what
 * the store knows is about the logs of the home, all of them.
 *
 * @throws {GuardError} HOME_INCOMPLETE without a pin; ROOT_*; FILE_UNREADABLE; STORE_*
 */
export function verifyOptions(
  spec: CommandSpec,
  args: Arguments,
  io: Io,
  home: AuditHome,
): VerifyAuditOptions {
  const isWhole = args.text("logs") === undefined && args.text("origin") === undefined;
  const registered: readonly RegisteredLog[] = isWhole
    ? withStateIfAny(args, io, (store) => store?.listLogs() ?? [])
    : [];
  const against = args.text("against");
  return {
    logs: home.logs,
    roots: trustedRoots(home.path),
    registered,
    against:
      against === undefined
        ? []
        : listOf(spec, "against", against).map((file) =>
            readRequiredFile(resolve(io.cwd, file), LIMIT_CHECKPOINT_BYTES),
          ),
    isPartial: args.text("origin") !== undefined,
    onProgress: (progress) => showProgress(io, "verifying", progress),
  };
}

/** Every root of the home's chain, from the pin on. */
function trustedRoots(homePath: string): readonly TrustRoot[] {
  const pin = requiredPin(readConfig(homePath), homePath);
  const envelopes = readRoots(homePath);
  // WHY: what was signed under a root stays signed when it expires
  verifyRootChain({ envelopes, pin, nowMs: 0 });
  return envelopes.map((bytes) => parseRoot(parseEnvelope(bytes, { code: "ROOT_SYNTAX" }).payload));
}

const BAR_WIDTH = 30;

/** A bar on standard error, when somebody watches. */
export function showProgress(io: Io, what: string, progress: AuditProgress): void {
  const { records, bytes, bytesTotal } = progress;
  const share = bytesTotal === undefined || bytesTotal === 0 ? 0 : Math.min(1, bytes / bytesTotal);
  const done = Math.round(share * BAR_WIDTH);
  const bar = `${"#".repeat(done)}${"-".repeat(BAR_WIDTH - done)}`;
  io.status(`${what} [${bar}] ${Math.floor(share * 100)} %, ${records} records`);
}
