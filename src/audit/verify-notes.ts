// The checkpoints of one log: read once for what they claim, and once more beside the records, where
// each is believed and compared.
import { bytesEqual, utf8Text } from "../bytes.ts";
import type { PublicKey } from "../sign/keys.ts";
import { isSignedBy } from "./checkpoint.ts";
import { type AuditFinding, finding } from "./finding.ts";
import type { AuditLogInput } from "./input.ts";
import { malformed, type Note, NoteReader, nameFault, noteOf, twoRoots } from "./note-reader.ts";
import type { MerkleTree } from "./tree.ts";

/** What the checkpoints of a log claim; not believed yet. */
export interface LogNotes {
  /** Of the history. */
  readonly count: number;
  /** The largest of the history. */
  readonly last: Note | undefined;
  /** `<origin>.checkpoint`. */
  readonly latest: Note | undefined;
  /** The one of the history that has the size of the latest. */
  readonly same: Note | undefined;
  /** The history ends in the middle of a checkpoint. */
  readonly isCut: boolean;
  /** Digests over the history, with and without the last one (chain.ts). */
  readonly chain: string;
  readonly chainBefore: string;
}

export const NO_NOTES: LogNotes = {
  ...{ count: 0, last: undefined, latest: undefined, same: undefined },
  ...{ isCut: false, chain: "", chainBefore: "" },
};

/** Reads the checkpoints; their form, their origin and their order are checked. */
export async function readNotes(input: AuditLogInput): Promise<LogNotes | AuditFinding> {
  const { origin, checkpoint } = input;
  const latest = checkpoint === undefined ? undefined : noteOf(utf8Text(checkpoint) ?? "");
  const reader = new NoteReader(input);
  let same: Note | undefined;
  for (;;) {
    const note = await reader.next();
    if (note === undefined) break;
    if ("code" in note) return note;
    if (note.size === latest?.size) same = note;
  }
  if (checkpoint !== undefined && latest === undefined) {
    return malformed(origin, "the latest checkpoint");
  }
  const fault = latest === undefined ? undefined : nameFault(origin, latest);
  const { count, last, isCut, chain, chainBefore } = reader;
  return fault ?? { count, last, latest, same, isCut, chain, chainBefore };
}

/** The signature of the latest checkpoint, and how it stands to the history. */
export function judgeLatest(
  origin: string,
  { latest, same }: LogNotes,
  keys: readonly PublicKey[],
): AuditFinding | undefined {
  if (latest === undefined) return undefined;
  const fault =
    (same === undefined ? undefined : signatureFault(origin, same, keys)) ??
    signatureFault(origin, latest, keys);
  if (fault !== undefined) return fault;
  if (same !== undefined) {
    return bytesEqual(same.root, latest.root) ? undefined : twoRoots(origin, latest.size);
  }
  const message = `expected the latest checkpoint, of ${latest.size} records, in the history, got none`;
  return finding("AUDIT_TRUNCATED", origin, message);
}

/** Holds the history against the records, as their tree grows. */
export class HistoryCheck {
  readonly #origin: string;
  readonly #reader: NoteReader;
  readonly #keys: readonly PublicKey[];
  #due: Note | undefined;
  #isEnded = false;
  /** Size of the largest checkpoint that the records give. */
  #matched = 0;
  /** Size of the first one that they do not give, and of one behind it that they do. */
  #wrong: number | undefined;
  #before = 0;
  #later: number | undefined;

  constructor(input: AuditLogInput, keys: readonly PublicKey[]) {
    this.#origin = input.origin;
    this.#reader = new NoteReader(input);
    this.#keys = keys;
  }

  /** True when `take` has to be asked about a tree of `size` records. */
  isDue(size: number): boolean {
    return !this.#isEnded && (this.#due === undefined || this.#due.size <= size);
  }

  /** Compares every checkpoint up to the size of `tree`; each one is signed, or it is a finding. */
  async take(tree: MerkleTree, emptyRoot: Uint8Array): Promise<AuditFinding | undefined> {
    while (this.isDue(tree.size)) {
      if (this.#due !== undefined) {
        this.#compare(this.#due, this.#due.size === 0 ? emptyRoot : tree.root());
      }
      const note = await this.#reader.next();
      if (note !== undefined && "code" in note) return note;
      this.#due = note;
      this.#isEnded = note === undefined;
      const fault = note === undefined ? undefined : signatureFault(this.#origin, note, this.#keys);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  /** A checkpoint that the records do not give: either they were altered, or it was rewritten. */
  judge({ chain }: LogNotes): AuditFinding | undefined {
    const wrong = this.#wrong;
    if (wrong !== undefined && this.#later !== undefined) {
      const message = `expected checkpoints of one log, got one of ${wrong} records that the one of ${this.#later} contradicts`;
      return finding("AUDIT_INCONSISTENT", this.#origin, message, wrong - 1);
    }
    if (wrong !== undefined) {
      const before = this.#before;
      const message = `expected the records that were signed, got an altered one from ${before} to ${wrong - 1}`;
      return finding("AUDIT_LEAF", this.#origin, message, before);
    }
    // WHY: it was read twice; what was believed is what was counted
    if (this.#isEnded && this.#reader.chain === chain) return undefined;
    const message = "expected the same checkpoints twice, got others the second time";
    return finding("AUDIT_SEQUENCE", this.#origin, message);
  }

  #compare(note: Note, root: Uint8Array): void {
    if (bytesEqual(note.root, root)) {
      this.#matched = note.size;
      if (this.#wrong !== undefined) this.#later ??= note.size;
    } else if (this.#wrong === undefined) {
      this.#wrong = note.size;
      this.#before = this.#matched;
    }
  }
}

function signatureFault(
  origin: string,
  note: Note,
  keys: readonly PublicKey[],
): AuditFinding | undefined {
  if (isSignedBy(note, keys)) return undefined;
  const message = `expected the checkpoint of ${note.size} records signed by a key of the role audit, got another signature`;
  return finding("AUDIT_SIGNATURE", origin, message);
}
