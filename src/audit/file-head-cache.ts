// Heads of other logs, remembered: a start reads one file for them and not three for each log. Only a
// help: what it says is believed as little as the files it was computed from, and checked by
// `verifyAuditLog` all the same.
import { appendFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { utf8Text } from "../bytes.ts";
import { canonicalize } from "../kernel/strict-json.ts";
import { optionalBytes } from "./file-folder.ts";
import { countOf, textOf } from "./record.ts";
import type { LogHead } from "./writer.ts";

/** A head, and the bytes of the records it was computed from. */
export interface CachedHead {
  readonly bytes: number;
  readonly head: LogHead;
}

const MODE_PRIVATE = 0o600;
const ROOT = /^[0-9a-f]{64}$/;
/** Lines that are out of date, before the file is written anew. */
const STALE_LINES_MAX = 1000;

/** What a folder remembers; what is no head is left out. */
export class HeadCache {
  readonly #file: string;
  readonly #known = new Map<string, CachedHead>();
  readonly #added: CachedHead[] = [];
  #lineCount = 0;

  /** @param folder of the logs; its `private` folder is there */
  constructor(folder: string) {
    this.#file = join(folder, "private", "heads.jsonl");
    const text = utf8Text(optionalBytes(this.#file) ?? new Uint8Array(0)) ?? "";
    for (const line of text.split("\n")) {
      const cached = cachedHead(line);
      this.#lineCount += 1;
      if (cached !== undefined) this.#known.set(cached.head.origin, cached);
    }
  }

  get(origin: string): CachedHead | undefined {
    return this.#known.get(origin);
  }

  add(cached: CachedHead): void {
    this.#known.set(cached.head.origin, cached);
    this.#added.push(cached);
  }

  /** Keeps what was added; where that fails the next start computes it again. */
  save(): void {
    try {
      if (this.#lineCount - this.#known.size > STALE_LINES_MAX) {
        const temporary = `${this.#file}.${process.pid}.tmp`;
        writeFileSync(temporary, linesOf([...this.#known.values()]), { mode: MODE_PRIVATE });
        renameSync(temporary, this.#file);
      } else if (this.#added.length > 0) {
        appendFileSync(this.#file, linesOf(this.#added), { mode: MODE_PRIVATE });
      }
    } catch {
      // a help, not a need
    }
  }
}

function linesOf(heads: readonly CachedHead[]): string {
  return heads.map(({ bytes, head }) => `${canonicalize({ bytes, ...head })}\n`).join("");
}

function cachedHead(line: string): CachedHead | undefined {
  const value = parsed(line);
  if (typeof value !== "object" || value === null) return undefined;
  const origin = textOf(value, "origin");
  const root = textOf(value, "root");
  const size = countOf(value, "size");
  const bytes = countOf(value, "bytes");
  const cut = countOf(value, "cut");
  if (origin === undefined || root === undefined || !ROOT.test(root)) return undefined;
  if (size === undefined || bytes === undefined) return undefined;
  return { bytes, head: { origin, root, size, ...(cut === undefined ? {} : { cut }) } };
}

function parsed(line: string): unknown {
  try {
    const value: unknown = JSON.parse(line);
    return value;
  } catch {
    return undefined;
  }
}
