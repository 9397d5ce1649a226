// A file that only grows: whole pieces or nothing, also on a full disk.
import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  openSync,
  writeSync,
} from "node:fs";
import { promisify } from "node:util";

const fdatasyncAsync = promisify(fdatasync);
const MODE_PRIVATE = 0o600;

/** A new file, open for appending. */
export class AppendFile {
  readonly path: string;
  readonly #handle: number;
  #size = 0;
  /** Bytes of a piece that was not written whole may stand behind `#size`. */
  #isTorn = false;

  /** @throws {Error} of the system; EEXIST when something is there */
  constructor(path: string) {
    this.path = path;
    this.#handle = openSync(path, "ax", MODE_PRIVATE);
  }

  get size(): number {
    return this.#size;
  }

  /** False when its name was taken from it: what is written then, nobody finds. */
  get isLinked(): boolean {
    try {
      return fstatSync(this.#handle).nlink > 0;
    } catch {
      return false;
    }
  }

  /** Writes all of `piece`, or takes back what was written of it and returns false. */
  append(piece: Uint8Array): boolean {
    if (this.#isTorn && !this.#mend()) return false;
    try {
      let written = 0;
      while (written < piece.length) {
        written += writeSync(this.#handle, piece, written, piece.length - written);
      }
    } catch {
      this.#isTorn = true;
      this.#mend();
      return false;
    }
    this.#size += piece.length;
    return true;
  }

  /** Resolves when what was appended before is on disk. @throws {Error} of the system */
  async sync(): Promise<void> {
    await fdatasyncAsync(this.#handle);
  }

  /** The same, now. @throws {Error} of the system */
  syncNow(): void {
    fdatasyncSync(this.#handle);
  }

  close(): void {
    closeSync(this.#handle);
  }

  /** Cuts the file back to its last whole piece; nobody was told of what is cut. */
  #mend(): boolean {
    try {
      ftruncateSync(this.#handle, this.#size);
      this.#isTorn = false;
    } catch {
      // the next append tries again
    }
    return !this.#isTorn;
  }
}
