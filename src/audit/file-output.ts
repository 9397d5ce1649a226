// One log in a folder. A line is written before `write` returns; signed things follow once the
// lines they speak about are on disk, and the checkpoint is replaced last.
import { rename, writeFile } from "node:fs/promises";
import { utf8 } from "../bytes.ts";
import { AppendFile } from "./file-append.ts";
import { checkpointFile, historyFile, recordsFile, statementsFile } from "./file-names.ts";
import type { AuditOutput, Signed } from "./output.ts";

const MODE_PRIVATE = 0o600;
/** Time until what could not be kept is tried again, in ms. */
const RETRY_MS = 1000;
/** Signed things that wait to be kept; with more, no line is accepted. */
const QUEUE_MAX = 16_384;

export class FileOutput implements AuditOutput {
  readonly #folder: string;
  readonly #origin: string;
  readonly #rotateBytes: number;
  #records: AppendFile;
  #part = 0;
  /** Full parts that may not be on disk yet. */
  #retired: AppendFile[] = [];
  #statements: AppendFile | undefined;
  #history: AppendFile | undefined;
  #queue: Signed[] = [];
  #pump: Promise<boolean> | undefined;
  /** The last checkpoint of the history, until it has replaced the one before. */
  #latest: string | undefined;
  #isKept = true;
  #isBroken = false;
  #retry: ReturnType<typeof setTimeout> | undefined;

  /**
   * Makes the log's first file.
   *
   * @param rotateBytes bytes of one file, at most
   * @throws {Error} of the system; EEXIST when the origin is taken
   */
  constructor(folder: string, origin: string, rotateBytes: number) {
    this.#folder = folder;
    this.#origin = origin;
    this.#rotateBytes = rotateBytes;
    this.#records = new AppendFile(recordsFile(folder, origin, 0));
  }

  get isAvailable(): boolean {
    return this.#isKept && !this.#isBroken;
  }

  write(line: Uint8Array): boolean {
    if (this.#queue.length > QUEUE_MAX) return false;
    if (this.#records.size > 0 && this.#records.size + line.length > this.#rotateBytes) {
      this.#rotate();
    }
    return this.#records.append(line);
  }

  publish(signed: readonly Signed[]): void {
    this.#queue.push(...signed);
    this.#start();
  }

  async settle(): Promise<boolean> {
    this.#start();
    while (this.#pump !== undefined) {
      if (!(await this.#pump)) return false;
      if (this.#queue.length > 0) this.#start();
    }
    return true;
  }

  /** Puts the first lines on disk, now. @throws {Error} of the system */
  syncNow(): void {
    this.#records.syncNow();
  }

  /** Only after `settle`. */
  close(): void {
    clearTimeout(this.#retry);
    const files = [this.#records, ...this.#retired, this.#statements, this.#history];
    for (const file of files) file?.close();
  }

  /** WHY: where no next file can be made the log goes on in the full one; a limit loses nothing. */
  #rotate(): void {
    let next: AppendFile;
    try {
      next = new AppendFile(recordsFile(this.#folder, this.#origin, this.#part + 1));
    } catch {
      return;
    }
    this.#part += 1;
    this.#retired.push(this.#records);
    this.#records = next;
  }

  #start(): void {
    if (this.#pump !== undefined) return;
    if (this.#queue.length === 0 && this.#latest === undefined) return;
    clearTimeout(this.#retry);
    this.#pump = this.#keepAll()
      .catch(() => false)
      .then((isKept) => {
        this.#pump = undefined;
        this.#isKept = isKept;
        if (!isKept && !this.#isBroken) this.#retry = setTimeout(() => this.#start(), RETRY_MS);
        return isKept;
      });
  }

  /** Keeps what is queued, in stages; a stage that fails is tried again, those before it are not. */
  async #keepAll(): Promise<boolean> {
    while (this.#queue.length > 0 || this.#latest !== undefined) {
      const batch = this.#queue.slice();
      if (!(await this.#syncRecords())) return false;
      const statements = batch.filter(({ kind }) => kind === "statement");
      if (!this.#keepStatements(statements)) return false;
      const checkpoints = batch.filter(({ kind }) => kind === "checkpoint");
      if (!(await this.#keepCheckpoints(checkpoints))) return false;
    }
    return true;
  }

  async #syncRecords(): Promise<boolean> {
    const retired = this.#retired.slice();
    try {
      for (const file of [...retired, this.#records]) await file.sync();
    } catch {
      // WHY: what a failed sync was about may be gone although the next one succeeds
      this.#isBroken = true;
      return false;
    }
    this.#retired.splice(0, retired.length);
    for (const file of retired) file.close();
    // WHY: here and not at every record, which would cost as much as writing it
    if (!this.#records.isLinked) this.#isBroken = true;
    return !this.#isBroken;
  }

  #keepStatements(statements: readonly Signed[]): boolean {
    if (statements.length === 0) return true;
    try {
      this.#statements ??= new AppendFile(statementsFile(this.#folder, this.#origin));
    } catch {
      return false;
    }
    if (!this.#statements.append(utf8(textOf(statements)))) return false;
    this.#unqueue(statements);
    return true;
  }

  async #keepCheckpoints(checkpoints: readonly Signed[]): Promise<boolean> {
    try {
      if (checkpoints.length > 0) {
        await this.#statements?.sync();
        this.#history ??= new AppendFile(historyFile(this.#folder, this.#origin));
        if (!this.#history.append(utf8(textOf(checkpoints)))) return false;
        this.#latest = checkpoints.at(-1)?.text;
        this.#unqueue(checkpoints);
      }
      if (this.#latest === undefined) return true;
      await this.#history?.sync();
      await replaceFile(checkpointFile(this.#folder, this.#origin), this.#latest);
      this.#latest = undefined;
      return true;
    } catch {
      return false;
    }
  }

  #unqueue(kept: readonly Signed[]): void {
    const keptSet = new Set(kept);
    this.#queue = this.#queue.filter((one) => !keptSet.has(one));
  }
}

function textOf(signed: readonly Signed[]): string {
  return signed.map(({ text }) => text).join("");
}

/** Writes beside the file, then renames over it. @throws {Error} of the system */
async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`;
  await writeFile(temporary, text, { mode: MODE_PRIVATE, flush: true });
  await rename(temporary, path);
}
