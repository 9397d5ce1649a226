// The heads of all other logs, which a log links to when it begins (60-audit section 1). What a
// crash left behind the last checkpoint of a log is signed from then on by the logs behind it.
import { statSync } from "node:fs";
import { dirname } from "node:path";
import { bytesEqual, toHex, utf8Text } from "../bytes.ts";
import { readCheckpoint, type SignedCheckpoint } from "./checkpoint.ts";
import { filePieces, listAuditFolder, type NamedLog, optionalBytes } from "./file-folder.ts";
import { HeadCache } from "./file-head-cache.ts";
import { checkpointFile } from "./file-names.ts";
import { LIMIT_LINK_BYTES } from "./limits.ts";
import { MerkleTree } from "./tree.ts";
import type { LogHead } from "./writer.ts";

/** A log that the store knows. */
export interface KnownLog {
  readonly origin: string;
  /** Absolute path of its first file. */
  readonly path: string;
  readonly closedAtMs: number | null;
}

const LINE_FEED = 0x0a;
/** What the memory has as the size of a log that was closed: it is not looked at again. */
const CLOSED_BYTES = 0;

/**
 * Heads of every log of `folder` and of every registered one, by origin.
 *
 * A log that was closed cleanly is told by its checkpoint. Of the others the records are read, newest
 * log first, up to LIMIT_LINK_BYTES altogether; beyond that their checkpoints speak for them. What was
 * read once and has not grown is remembered.
 *
 * @throws {Error} of the system when the folder cannot be read
 */
export function readHeads(folder: string, registered: readonly KnownLog[]): readonly LogHead[] {
  const logs = new Map(listAuditFolder(folder).map((log) => [log.origin, log]));
  const closed = new Set<string>();
  for (const { origin, path, closedAtMs } of registered) {
    if (closedAtMs !== null) closed.add(origin);
    if (!logs.has(origin)) logs.set(origin, { origin, files: [path], isWhole: false });
  }
  const cache = new HeadCache(folder);
  let bytesLeft = LIMIT_LINK_BYTES;
  const heads: LogHead[] = [];
  for (const log of [...logs.values()].sort(newestFirst)) {
    const { origin } = log;
    const cached = cache.get(origin);
    if (!log.isWhole) {
      const file = log.files[0] ?? "";
      heads.push({ ...signedHead(origin, noteOf(dirname(file), origin)), missing: true });
    } else if (closed.has(origin)) {
      const head = cached?.bytes === CLOSED_BYTES ? cached.head : headOf(folder, log, false);
      if (head !== cached?.head) cache.add({ bytes: CLOSED_BYTES, head });
      heads.push(head);
    } else {
      const bytes = sizeOf(log.files);
      const isKnown = cached !== undefined && bytes > 0 && cached.bytes === bytes;
      const isRead = !isKnown && bytes <= bytesLeft;
      const head = isKnown ? cached.head : headOf(folder, log, isRead);
      if (isRead) {
        bytesLeft -= bytes;
        if (bytes > 0) cache.add({ bytes, head });
      }
      heads.push(head);
    }
  }
  cache.save();
  return heads.sort((a, b) => (a.origin < b.origin ? -1 : 1));
}

function sizeOf(files: readonly string[]): number {
  return files.reduce(
    (sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}

function noteOf(folder: string, origin: string): SignedCheckpoint | undefined {
  const bytes = optionalBytes(checkpointFile(folder, origin)) ?? new Uint8Array(0);
  return readCheckpoint(utf8Text(bytes) ?? "");
}

function signedHead(origin: string, note: SignedCheckpoint | undefined): LogHead {
  return {
    origin,
    size: note?.size ?? 0,
    root: toHex(note?.root ?? new MerkleTree().root()),
  };
}

function headOf(folder: string, { origin, files }: NamedLog, isRead: boolean): LogHead {
  const note = noteOf(folder, origin);
  const signed = signedHead(origin, note);
  if (!isRead) return signed;
  const { tree, rootAtNote, cut } = readTree(files, note);
  const cutBytes = cut > 0 ? { cut } : {};
  // WHY: of a log that contradicts its own checkpoint only the checkpoint is linked
  const fits =
    note === undefined || (rootAtNote !== undefined && bytesEqual(rootAtNote, note.root));
  if (!fits) return { ...signed, ...cutBytes };
  return { origin, size: tree.size, root: toHex(tree.root()), ...cutBytes };
}

interface ReadTree {
  readonly tree: MerkleTree;
  readonly rootAtNote: Uint8Array | undefined;
  /** Bytes behind the last whole line. */
  readonly cut: number;
}

function readTree(files: readonly string[], note: SignedCheckpoint | undefined): ReadTree {
  const tree = new MerkleTree();
  let rootAtNote: Uint8Array | undefined = note?.size === 0 ? tree.root() : undefined;
  let rest: Uint8Array = new Uint8Array(0);
  for (const piece of filePieces(files)) {
    const bytes = new Uint8Array(rest.length + piece.length);
    bytes.set(rest);
    bytes.set(piece, rest.length);
    let start = 0;
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
      tree.append(bytes.subarray(start, end));
      if (tree.size === note?.size) rootAtNote = tree.root();
      start = end + 1;
    }
    rest = bytes.subarray(start);
  }
  return { tree, rootAtNote, cut: rest.length };
}

/** By the time in the origin. */
function newestFirst(a: NamedLog, b: NamedLog): number {
  return startOf(b.origin) - startOf(a.origin) || (a.origin < b.origin ? -1 : 1);
}

function startOf(origin: string): number {
  return Number(origin.slice(origin.lastIndexOf("-") + 1));
}
