// The audit log of `portcullis run`: in the home, signed with the home's audit key.
import { hostname } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { AuditSink } from "../audit/event.ts";
import { auditEvidence, type CatalogEvidence } from "../audit/evidence.ts";
import { FileAuditLog } from "../audit/file-log.ts";
import { withOtel } from "../audit/otel.ts";
import type { TrustedCatalog } from "../catalog/trusted.ts";
import { systemClock } from "../clock.ts";
import { GuardError } from "../errors.ts";
import type { SyncStateStore } from "../store/types.ts";
import type { Io } from "./command.ts";
import { reportFault } from "./fault.ts";
import type { Home } from "./home.ts";
import { loadPrivateKey } from "./private-key.ts";

const AUDIT_KEY = join("keys", "audit.pem");
const AUDIT_FOLDER = "audit";

/** An audit log, and the evidence that it keeps for each catalog that comes. */
export class RunAudit {
  readonly sink: AuditSink;
  readonly #log: FileAuditLog | undefined;
  /** Files of the catalogs that were verified, by the SHA-256 of the payload. */
  readonly #files: ReadonlyMap<string, CatalogEvidence>;

  private constructor(log: FileAuditLog | undefined, files: ReadonlyMap<string, CatalogEvidence>) {
    this.#log = log;
    this.#files = files;
    this.sink = log === undefined ? UNWRITABLE : withOtel(log);
  }

  /**
   * Opens the log. One that cannot be written refuses what changes state, and everything when the
   * home says `audit = "required"`; the guard runs all the same and says why.
   *
   * @param files of the catalogs that were verified; may grow
   */
  static async open(
    home: Home,
    catalog: TrustedCatalog,
    options: {
      readonly store: SyncStateStore;
      readonly files: ReadonlyMap<string, CatalogEvidence>;
      readonly io: Io;
    },
  ): Promise<RunAudit> {
    const { store, files, io } = options;
    try {
      const known = files.get(catalog.sha256);
      if (known === undefined) throw new GuardError("AUDIT_UNWRITABLE", "expected the files");
      const auditKey = await loadPrivateKey(io, join(home.path, AUDIT_KEY));
      if (!catalog.root.roles.audit.keys.some(({ keyid }) => keyid === auditKey.keyid)) {
        throw new GuardError(
          "AUDIT_UNWRITABLE",
          `expected the key in ${AUDIT_KEY} to hold the role audit of the trust root`,
        );
      }
      const log = FileAuditLog.open({
        folder: join(home.path, AUDIT_FOLDER),
        process: { host: hostname(), pid: process.pid, startMs: systemClock() },
        evidence: auditEvidence(known),
        auditKey,
        store,
      });
      return new RunAudit(log, files);
    } catch (fault) {
      if (!(fault instanceof GuardError)) throw fault;
      const { code, message } = await reportFault(fault);
      io.note(`no audit log is written: ${message} (${code})`);
      return new RunAudit(undefined, files);
    }
  }

  /** Another catalog is in force from the next record on. */
  useCatalog(catalog: TrustedCatalog): void {
    const files = this.#files.get(catalog.sha256);
    if (files !== undefined) this.#log?.useEvidence(auditEvidence(files));
  }

  async close(): Promise<void> {
    await this.sink.close();
  }
}

/** Nothing can be written. */
const UNWRITABLE: AuditSink = {
  isAvailable: false,
  append: () => false,
  flush: () => undefined,
  close: () => undefined,
};
