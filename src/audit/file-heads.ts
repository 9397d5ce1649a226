// The heads of all other logs, which a log links to when it begins (60-audit section 1). What a
// crash left behind the last checkpoint of a log is signed from then on by the logs behind it.
import { statSync } from "node:fs";
import { dirname } from "node:path";
import { bytesEqual, toHex, utf8Text } from "../bytes.ts";
import { readCheckpoint, type SignedCheckpoint } from "./checkpoint.ts";
import { filePieces, listAuditFolder, type NamedLog, optionalBytes } from "./file-folder.ts";
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
const EMPTY_ROOT = toHex(new MerkleTree().root());

/**
 * Heads of every log of `folder` and of every registered one, by origin.
 *
 * A log that was closed cleanly is told by its checkpoint. Of the others the records are read, newest
 * log first, up to LIMIT_LINK_BYTES altogether; beyond that their checkpoints speak for them.
 *
 * @throws {Error} of the system when the folder cannot be read
 */
export function readHeads(folder: string, registered: readonly KnownLog[]): readonly LogHead[] {
  const logs = new Map(listAuditFolder(folder).map((log) => [log.origin, { folder, ...log }]));
  for (const { origin, path } of registered) {
    if (!logs.has(origin)) logs.set(origin, { folder: dirname(path), origin, files: [path] });
  }
  const closed = new Set(
    registered.filter(({ closedAtMs }) => closedAtMs !== null).map(({ origin }) => origin),
  );
  let bytesLeft = LIMIT_LINK_BYTES;
  const heads: LogHead[] = [];
  for (const log of [...logs.values()].sort(newestFirst)) {
    const sizes = log.files.map((file) => statSync(file, { throwIfNoEntry: false })?.size);
    const isMissing = sizes.includes(undefined);
    const sizeBytes = sizes.reduce<number>((sum, size = 0) => sum + size, 0);
    const isRead = !isMissing && !closed.has(log.origin) && sizeBytes <= bytesLeft;
    if (isRead) bytesLeft -= sizeBytes;
    heads.push(headOf(log, { isMissing, isRead }));
  }
  return heads.sort((a, b) => (a.origin < b.origin ? -1 : 1));
}

interface PlacedLog extends NamedLog {
  readonly folder: string;
}

function headOf(
  { folder, origin, files }: PlacedLog,
  { isMissing, isRead }: { readonly isMissing: boolean; readonly isRead: boolean },
): LogHead {
  const bytes = optionalBytes(checkpointFile(folder, origin)) ?? new Uint8Array(0);
  const note = readCheckpoint(utf8Text(bytes) ?? "");
  const signed = {
    origin,
    size: note?.size ?? 0,
    root: note === undefined ? EMPTY_ROOT : toHex(note.root),
  };
  if (isMissing) return { ...signed, missing: true };
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
