// The checkpoints of a log, one behind the other, in bounded memory: a log of a million records has
// some twenty thousand of them.
import { bytesEqual, utf8, utf8Text } from "../bytes.ts";
import { quote } from "../errors.ts";
import { chainCheckpoint } from "./chain.ts";
import { NOTE_LINES, readCheckpoint, type SignedCheckpoint } from "./checkpoint.ts";
import { type AuditFinding, finding } from "./finding.ts";
import { type AuditLogInput, type Line, lineBatches } from "./input.ts";
import { checkpointName } from "./origin.ts";

/** A checkpoint with its text. */
export interface Note extends SignedCheckpoint {
  readonly text: string;
}

/** Bytes of one line of a checkpoint: an origin, a key name and a signature fit many times. */
const LINE_BYTES_MAX = 4096;

/** Reads `<origin>.checkpoints` once; form, origin and order are checked, signatures are not. */
export class NoteReader {
  readonly #origin: string;
  readonly #batches: AsyncGenerator<readonly Line[]>;
  #batch: readonly Line[] = [];
  #index = 0;
  #last: Note | undefined;
  #count = 0;
  #chain = "";
  #chainBefore = "";
  #isCut = false;

  constructor({ origin, history }: AuditLogInput) {
    this.#origin = origin;
    this.#batches = lineBatches(history, LINE_BYTES_MAX);
  }

  /** The checkpoint that was read last. */
  get last(): Note | undefined {
    return this.#last;
  }

  get count(): number {
    return this.#count;
  }

  /** The digest over all that were read (chain.ts). */
  get chain(): string {
    return this.#chain;
  }

  /** The same without the last one. */
  get chainBefore(): string {
    return this.#chainBefore;
  }

  /** It ended in the middle of a checkpoint. */
  get isCut(): boolean {
    return this.#isCut;
  }

  /** The next one, larger than the one before it; `undefined` at the end. */
  async next(): Promise<Note | AuditFinding | undefined> {
    const lines: Uint8Array[] = [];
    while (lines.length < NOTE_LINES) {
      const line = await this.#line();
      // a copy: the next piece may come into the same memory
      if (line?.isWhole === true) lines.push(line.bytes.slice());
      else return await this.#end(lines, line?.bytes);
    }
    const text = utf8Text(joinedLines(lines));
    const note = text === undefined ? undefined : noteOf(text);
    if (note === undefined) return this.#malformed();
    const fault = orderFault(this.#origin, this.#last, note);
    if (fault !== undefined) return fault;
    this.#last = note;
    this.#count += 1;
    this.#chainBefore = this.#chain;
    this.#chain = chainCheckpoint(this.#chain, note.text);
    return note;
  }

  /** A crash may cut the last one; what stands there must still be the beginning of one. */
  async #end(
    lines: readonly Uint8Array[],
    rest: Uint8Array | undefined,
  ): Promise<AuditFinding | undefined> {
    if (lines.length === 0 && rest === undefined) return undefined;
    this.#isCut = true;
    const bytes = rest === undefined ? joinedLines(lines) : joinedLines([...lines, rest]);
    const start = utf8(`${checkpointName(this.#origin)}\n`);
    const size = Math.min(start.length, rest === undefined ? bytes.length : bytes.length - 1);
    const isBeginning = bytesEqual(bytes.subarray(0, size), start.subarray(0, size));
    return isBeginning && (await this.#line()) === undefined ? undefined : this.#malformed();
  }

  #malformed(): AuditFinding {
    return malformed(this.#origin, `checkpoint ${this.#count} of the history`);
  }

  async #line(): Promise<Line | undefined> {
    while (this.#index >= this.#batch.length) {
      const { value, done } = await this.#batches.next();
      if (done === true) return undefined;
      this.#batch = value;
      this.#index = 0;
    }
    const line = this.#batch[this.#index];
    this.#index += 1;
    return line;
  }
}

/** A checkpoint; `undefined` for another text. */
export function noteOf(text: string): Note | undefined {
  const note = readCheckpoint(text);
  return note === undefined ? undefined : { ...note, text };
}

/** A checkpoint of another log. */
export function nameFault(origin: string, { name }: Note): AuditFinding | undefined {
  const expected = checkpointName(origin);
  if (name === expected) return undefined;
  const message = `expected a checkpoint of ${quote(expected)}, got one of ${quote(name)}`;
  return finding("AUDIT_ORIGIN", origin, message);
}

export function malformed(origin: string, what: string): AuditFinding {
  return finding("AUDIT_SIGNATURE", origin, `expected ${what} as it was signed, got another text`);
}

/** Two checkpoints of one size. */
export function twoRoots(origin: string, size: number): AuditFinding {
  const message = `expected one checkpoint of ${size} records, got two with different roots`;
  return finding("AUDIT_INCONSISTENT", origin, message, size - 1);
}

function orderFault(
  origin: string,
  before: Note | undefined,
  note: Note,
): AuditFinding | undefined {
  const fault = nameFault(origin, note);
  if (fault !== undefined || before === undefined || note.size > before.size) return fault;
  if (note.size === before.size && !bytesEqual(note.root, before.root)) {
    return twoRoots(origin, note.size);
  }
  const message = `expected a checkpoint of more than ${before.size} records next, got one of ${note.size}`;
  return finding("AUDIT_SEQUENCE", origin, message);
}

/** Lines with a line feed behind each. */
function joinedLines(lines: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(lines.reduce((sum, { length }) => sum + length + 1, 0));
  let end = 0;
  for (const line of lines) {
    joined.set(line, end);
    joined[end + line.length] = 0x0a;
    end += line.length + 1;
  }
  return joined;
}
