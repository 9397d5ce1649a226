// The checkpoints of one log: the history, and the latest one beside it.
import { bytesEqual, utf8Text } from "../bytes.ts";
import { quote } from "../errors.ts";
import type { PublicKey } from "../sign/keys.ts";
import { isSignedBy, NOTE_LINES, readCheckpoint, type SignedCheckpoint } from "./checkpoint.ts";
import { type AuditFinding, finding } from "./finding.ts";
import type { AuditLogInput } from "./input.ts";
import { checkpointName } from "./origin.ts";

/** A checkpoint with its text. */
export interface Note extends SignedCheckpoint {
  readonly text: string;
}

/** The checkpoints of a log, read; not believed yet. */
export interface LogNotes {
  /** By ascending size. */
  readonly history: readonly Note[];
  readonly latest: Note | undefined;
  /** The history ends in the middle of a checkpoint. */
  readonly isCut: boolean;
}

/** Reads the checkpoints; their form, their origin and their order are checked. */
export function readNotes(input: AuditLogInput): LogNotes | AuditFinding {
  const { origin } = input;
  const text = utf8Text(input.history ?? new Uint8Array(0));
  if (text === undefined) return malformed(origin, "the history");
  const lines = text.split("\n");
  const history: Note[] = [];
  const rest = lines.length - 1;
  for (let start = 0; start + NOTE_LINES <= rest; start += NOTE_LINES) {
    const note = noteOf(`${lines.slice(start, start + NOTE_LINES).join("\n")}\n`);
    if (note === undefined) return malformed(origin, `checkpoint ${history.length} of the history`);
    const fault = orderFault(origin, history.at(-1), note);
    if (fault !== undefined) return fault;
    history.push(note);
  }
  const isCut = rest % NOTE_LINES !== 0 || lines.at(-1) !== "";
  if (input.checkpoint === undefined) return { history, latest: undefined, isCut };
  const latest = noteOf(utf8Text(input.checkpoint) ?? "");
  if (latest === undefined) return malformed(origin, "the latest checkpoint");
  return nameFault(origin, latest) ?? { history, latest, isCut };
}

/** Signatures under `keys`, and how the latest checkpoint stands to the history. */
export function judgeNotes(
  origin: string,
  notes: LogNotes,
  keys: readonly PublicKey[],
): AuditFinding | undefined {
  const { history, latest } = notes;
  for (const note of latest === undefined ? history : [...history, latest]) {
    if (isSignedBy(note, keys)) continue;
    const message = `expected the checkpoint of ${note.size} records signed by a key of the role audit, got another signature`;
    return finding("AUDIT_SIGNATURE", origin, message);
  }
  if (latest === undefined) return undefined;
  const same = history.find(({ size }) => size === latest.size);
  if (same !== undefined && !bytesEqual(same.root, latest.root)) {
    const message = `expected one checkpoint of ${latest.size} records, got two with different roots`;
    return finding("AUDIT_INCONSISTENT", origin, message, latest.size - 1);
  }
  if (same !== undefined) return undefined;
  const message = `expected the latest checkpoint, of ${latest.size} records, in the history, got none`;
  return finding("AUDIT_TRUNCATED", origin, message);
}

function noteOf(text: string): Note | undefined {
  const note = readCheckpoint(text);
  return note === undefined ? undefined : { ...note, text };
}

function orderFault(
  origin: string,
  before: Note | undefined,
  note: Note,
): AuditFinding | undefined {
  const fault = nameFault(origin, note);
  if (fault !== undefined || before === undefined || note.size > before.size) return fault;
  if (note.size === before.size && !bytesEqual(note.root, before.root)) {
    const message = `expected one checkpoint of ${note.size} records, got two with different roots`;
    return finding("AUDIT_INCONSISTENT", origin, message, note.size - 1);
  }
  const message = `expected a checkpoint of more than ${before.size} records next, got one of ${note.size}`;
  return finding("AUDIT_SEQUENCE", origin, message);
}

function nameFault(origin: string, { name }: Note): AuditFinding | undefined {
  const expected = checkpointName(origin);
  if (name === expected) return undefined;
  const message = `expected a checkpoint of ${quote(expected)}, got one of ${quote(name)}`;
  return finding("AUDIT_ORIGIN", origin, message);
}

function malformed(origin: string, what: string): AuditFinding {
  return finding("AUDIT_SIGNATURE", origin, `expected ${what} as it was signed, got another text`);
}
