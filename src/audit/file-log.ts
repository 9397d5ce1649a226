// An audit log in a folder: one for each writing process (60-audit section 1).
import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type Clock, randomBytes, systemClock } from "../clock.ts";
import { GuardError } from "../errors.ts";
import type { PrivateKey } from "../sign/keys.ts";
import type { SyncStateStore } from "../store/types.ts";
import { verifierKey } from "./checkpoint.ts";
import type { AuditEvent, AuditSink } from "./event.ts";
import type { AuditEvidence } from "./evidence.ts";
import { readHeads } from "./file-heads.ts";
import { recordsFile, saltFile } from "./file-names.ts";
import { writeObjects } from "./file-objects.ts";
import { FileOutput } from "./file-output.ts";
import { ROTATE_BYTES } from "./limits.ts";
import { type AuditProcess, checkpointName, originOf } from "./origin.ts";
import { recordTime } from "./record-writer.ts";
import { AuditWriter, type LogHead } from "./writer.ts";

export interface FileLogOptions {
  /** Absolute path, e.g. `<home>/audit`; made when it is not there. */
  readonly folder: string;
  readonly process: AuditProcess;
  readonly evidence: AuditEvidence;
  /** Of the role `audit` of the trust root. */
  readonly auditKey: PrivateKey;
  /** Where the log is registered, so that one that disappears is missed. */
  readonly store: Pick<SyncStateStore, "registerLog" | "closeLog" | "listLogs">;
  /** Bytes of one file, at most; default 256 MiB. */
  readonly rotateBytes?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly random?: ((size: number) => Uint8Array) | undefined;
}

const MODE_PRIVATE_FILE = 0o600;
const MODE_PRIVATE_FOLDER = 0o700;
const SALT_BYTES = 32;
/** Origins tried, one ms later each, when a container's pid and time were there before. */
const ORIGINS_MAX = 1000;

/**
 * Appends to a log of this process. Every record is with the operating system before `append`
 * returns, so the death of the process loses none; the disk has it at the next checkpoint.
 */
export class FileAuditLog implements AuditSink {
  readonly origin: string;
  readonly #options: FileLogOptions;
  readonly #clock: Clock;
  readonly #output: FileOutput;
  readonly #writer: AuditWriter;
  #isObjectMissing = false;
  #isClosed = false;

  private constructor(options: FileLogOptions, begun: BegunLog) {
    const { folder, auditKey, evidence } = options;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.origin = begun.origin;
    this.#output = begun.output;
    this.#writer = new AuditWriter({
      origin: begun.origin,
      auditKey,
      subject: evidence.subject,
      salt: begun.salt,
      output: begun.output,
    });
    const nowMs = this.#clock();
    if (!this.#writer.appendOpen(nowMs, { heads: begun.heads }))
      throw unwritable(folder, undefined);
    // WHY: the store may outlive a power cut that the file does not, and would miss the log
    this.#output.syncNow();
  }

  /**
   * Begins a log: its folder, its salt, the objects, the `open` record, the registration.
   *
   * @throws {GuardError} AUDIT_UNWRITABLE when any of that cannot be written; STORE_UNAVAILABLE and
   *   STORE_CORRUPT of the store
   */
  static open(options: FileLogOptions): FileAuditLog {
    const { folder, store, auditKey } = options;
    const registered = store.listLogs();
    let log: FileAuditLog;
    try {
      mkdirSync(folder, { recursive: true, mode: MODE_PRIVATE_FOLDER });
      mkdirSync(`${folder}/private`, { recursive: true, mode: MODE_PRIVATE_FOLDER });
      writeObjects(folder, options.evidence.objects);
      const heads = readHeads(folder, registered);
      const taken = new Set(registered.map(({ origin }) => origin));
      const begun = beginLog(options, heads, taken);
      try {
        log = new FileAuditLog(options, begun);
      } catch (cause) {
        takeBack(folder, begun);
        throw cause;
      }
    } catch (cause) {
      if (cause instanceof GuardError) throw cause;
      throw unwritable(folder, cause);
    }
    const registration = {
      origin: log.origin,
      path: recordsFile(folder, log.origin, 0),
      createdAtMs: recordTime(log.#clock()),
      public: verifierKey(checkpointName(log.origin), auditKey.publicKey),
    };
    try {
      if (store.registerLog(registration)) return log;
      throw unwritable(folder, undefined);
    } catch (fault) {
      log.#abandon();
      throw fault;
    }
  }

  get isAvailable(): boolean {
    return this.#writer.isAvailable && !this.#isObjectMissing;
  }

  /** Records so far. */
  get size(): number {
    return this.#writer.size;
  }

  append(event: AuditEvent): boolean {
    return this.#writer.append(event);
  }

  /**
   * Another catalog is in force from the next record on; append its `reload` event next.
   *
   * @returns false when its files could not be kept: then the log is not available
   */
  useEvidence(evidence: AuditEvidence): boolean {
    this.#writer.setSubject(evidence.subject);
    try {
      writeObjects(this.#options.folder, evidence.objects);
      this.#isObjectMissing = false;
    } catch {
      this.#isObjectMissing = true;
    }
    return !this.#isObjectMissing;
  }

  async flush(): Promise<void> {
    if (this.#isClosed) return;
    this.#writer.signAll();
    await this.#output.settle();
  }

  /** Writes the `close` record, signs it, and tells the store, unless one of them fails. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const nowMs = this.#clock();
    const isWritten = this.#writer.appendClose(nowMs);
    const isKept = await this.#output.settle();
    this.#output.close();
    if (isWritten && isKept) this.#options.store.closeLog(this.origin, recordTime(nowMs));
  }

  /** Takes back a log that nobody was told of. */
  #abandon(): void {
    this.#isClosed = true;
    this.#writer.stop();
    takeBack(this.#options.folder, { origin: this.origin, output: this.#output });
  }
}

function takeBack(folder: string, { origin, output }: Pick<BegunLog, "origin" | "output">): void {
  output.close();
  rmSync(recordsFile(folder, origin, 0), { force: true });
  rmSync(saltFile(folder, origin), { force: true });
}

interface BegunLog {
  readonly origin: string;
  readonly output: FileOutput;
  readonly salt: Uint8Array;
  readonly heads: readonly LogHead[];
}

/** Takes the first free origin. @throws {Error} of the system */
function beginLog(
  options: FileLogOptions,
  heads: readonly LogHead[],
  taken: ReadonlySet<string>,
): BegunLog {
  const { folder, process, random = randomBytes, rotateBytes = ROTATE_BYTES } = options;
  for (let later = 0; later < ORIGINS_MAX; later++) {
    const origin = originOf({ ...process, startMs: process.startMs + later });
    const isThere = statSync(saltFile(folder, origin), { throwIfNoEntry: false }) !== undefined;
    if (taken.has(origin) || isThere) continue;
    try {
      const output = new FileOutput(folder, origin, rotateBytes);
      const salt = random(SALT_BYTES);
      writeFileSync(saltFile(folder, origin), salt, { flag: "wx", mode: MODE_PRIVATE_FILE });
      return { origin, output, salt, heads: heads.filter((head) => head.origin !== origin) };
    } catch (cause) {
      if (codeOf(cause) !== "EEXIST") throw cause;
    }
  }
  throw new GuardError("AUDIT_UNWRITABLE", "expected a free name for the audit log, got none", {
    at: { file: folder },
  });
}

function unwritable(folder: string, cause: unknown): GuardError {
  const got = codeOf(cause) ?? "no space for one record";
  const message = `expected a folder in which an audit log can be written, got ${got}; check its owner, permissions and space`;
  return new GuardError("AUDIT_UNWRITABLE", message, { cause, at: { file: folder } });
}

function codeOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || !("code" in cause)) return undefined;
  return typeof cause.code === "string" ? cause.code : undefined;
}
