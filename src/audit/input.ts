// A log as bytes: what `verifyAuditLog` and `replay` read, in any host.

/** Bytes at once, or a way to read them in pieces of any size, more than once. */
export type ByteSource = Uint8Array | (() => Iterable<Uint8Array> | AsyncIterable<Uint8Array>);

/** One log. */
export interface AuditLogInput {
  /** As its files are named. */
  readonly origin: string;
  /** `<origin>.jsonl` and the files behind it, in order; `undefined` when there is none of them. */
  readonly records: ByteSource | undefined;
  /** `<origin>.checkpoint`. */
  readonly checkpoint?: Uint8Array | undefined;
  /** `<origin>.checkpoints`. */
  readonly history?: ByteSource | undefined;
  /** `<origin>.denied.jsonl`. */
  readonly statements?: ByteSource | undefined;
  /** Bytes of its records, for progress. */
  readonly sizeBytes?: number | undefined;
}

const LINE_FEED = 0x0a;

/** The pieces of a source. */
export function piecesOf(
  source: ByteSource | undefined,
): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  if (source === undefined) return [];
  return source instanceof Uint8Array ? [source] : source();
}

/** One line without its line feed; the last one may lack it. */
export interface Line {
  readonly bytes: Uint8Array;
  readonly isWhole: boolean;
}

/**
 * The lines of a source, in order, batch by batch: as many as a piece completes.
 *
 * WHY: one await for each piece and not for each of a million lines.
 *
 * @param sizeMax bytes of a line; the rest of a longer one is taken as lines of its own, which
 *   nothing accepts
 */
export async function* lineBatches(
  source: ByteSource | undefined,
  sizeMax: number,
): AsyncGenerator<readonly Line[]> {
  let rest: Uint8Array = new Uint8Array(0);
  for await (const piece of piecesOf(source)) {
    const lines: Line[] = [];
    let start = 0;
    for (;;) {
      const end = piece.indexOf(LINE_FEED, start);
      if (end < 0) break;
      lines.push({ bytes: joined(rest, piece.subarray(start, end)), isWhole: true });
      rest = rest.subarray(0, 0);
      start = end + 1;
    }
    // a copy: the host may use the piece's memory for the next one
    rest = joined(rest, piece.subarray(start)).slice();
    if (rest.length > sizeMax) {
      lines.push({ bytes: rest, isWhole: false });
      rest = rest.subarray(0, 0);
    }
    if (lines.length > 0) yield lines;
  }
  if (rest.length > 0) yield [{ bytes: rest, isWhole: false }];
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
