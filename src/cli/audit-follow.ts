// Lines as they are appended to the logs of a folder, by looking again.
import { closeSync, openSync, readSync } from "node:fs";
import { readAuditFolder } from "../audit/file-folder.ts";
import { systemCode } from "./files.ts";

const PIECE_BYTES = 1 << 20;
const LINE_FEED = 0x0a;

/** A whole line that was not there before. */
export interface FollowedLine {
  readonly origin: string;
  readonly bytes: Uint8Array;
}

/** Remembers how far each file was read. */
export class FollowedFolder {
  readonly #folder: string;
  readonly #read = new Map<string, number>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Whole lines since the last call, file by file; at first all of them. */
  *next(): Generator<FollowedLine> {
    for (const { input, files } of readAuditFolder(this.#folder)) {
      for (const file of files) {
        for (const bytes of this.#lines(file)) yield { origin: input.origin, bytes };
      }
    }
  }

  *#lines(file: string): Generator<Uint8Array> {
    const start = this.#read.get(file) ?? 0;
    let at = start;
    let rest: Uint8Array = new Uint8Array(0);
    for (const piece of piecesFrom(file, start)) {
      const bytes = new Uint8Array(rest.length + piece.length);
      bytes.set(rest);
      bytes.set(piece, rest.length);
      let from = 0;
      for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, from)) {
        yield bytes.subarray(from, end);
        at += end + 1 - from;
        this.#read.set(file, at);
        from = end + 1;
      }
      rest = bytes.subarray(from);
    }
  }
}

function* piecesFrom(file: string, start: number): Generator<Uint8Array> {
  let handle: number;
  try {
    handle = openSync(file, "r");
  } catch (cause) {
    if (systemCode(cause) === "ENOENT") return;
    throw cause;
  }
  try {
    for (let at = start; ; ) {
      const piece = new Uint8Array(PIECE_BYTES);
      const size = readSync(handle, piece, 0, PIECE_BYTES, at);
      if (size === 0) return;
      at += size;
      yield piece.subarray(0, size);
    }
  } finally {
    closeSync(handle);
  }
}
