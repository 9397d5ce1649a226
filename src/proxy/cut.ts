// Edits of a message that leave every other byte as it was (50-proxy section 2.1).
import { utf8 } from "../bytes.ts";
import type { Span } from "../kernel/message.ts";

/** Bytes to leave out, and what to put in their place. */
export interface Edit {
  readonly start: number;
  /** Exclusive; equal to `start` for an insertion. */
  readonly end: number;
  readonly text?: string;
}

/**
 * The edits that leave only the kept elements of an array, or members of an object.
 *
 * A refused element before a kept one goes from its first byte to the first byte of the next
 * element; those behind the last kept one from the byte after it to the byte after the last
 * element; when none is kept, everything between the brackets goes.
 *
 * @param container from its opening to its closing bracket
 * @param elements all of them, in order; for an object its members from key to value
 */
export function cutElements(
  container: Span,
  elements: readonly Span[],
  keeps: readonly boolean[],
): Edit[] {
  const lastKept = keeps.lastIndexOf(true);
  if (!keeps.includes(false)) return [];
  if (lastKept < 0) return [{ start: container.start + 1, end: container.end - 1 }];
  const edits: Edit[] = [];
  for (const [index, element] of elements.entries()) {
    const next = elements[index + 1];
    if (keeps[index] === true || index > lastKept || next === undefined) continue;
    edits.push({ start: element.start, end: next.start });
  }
  const kept = elements[lastKept];
  const last = elements.at(-1);
  if (kept !== undefined && last !== undefined && last.end > kept.end) {
    edits.push({ start: kept.end, end: last.end });
  }
  return edits;
}

/**
 * `bytes` after `edits`, in a new array.
 *
 * @param edits in any order; none may overlap another
 */
export function applyEdits(bytes: Uint8Array, edits: readonly Edit[]): Uint8Array {
  const ordered = inOrder(edits);
  const parts: Uint8Array[] = [];
  let at = 0;
  let sizeBytes = 0;
  const add = (part: Uint8Array): void => {
    parts.push(part);
    sizeBytes += part.length;
  };
  for (const edit of ordered) {
    add(bytes.subarray(at, edit.start));
    if (edit.text !== undefined) add(utf8(edit.text));
    at = edit.end;
  }
  add(bytes.subarray(at));
  // WHY: an edit for every item of a listing is more than a call may have arguments
  const whole = new Uint8Array(sizeBytes);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/**
 * The edits that lie in none of the cuts: what goes as a whole takes its own edits along.
 *
 * @param cuts in order, none overlapping another; each edit is inside one, or apart from all
 * @returns in order
 */
export function outsideOf(cuts: readonly Edit[], edits: readonly Edit[]): Edit[] {
  let at = 0;
  return inOrder(edits).filter((edit) => {
    let cut = cuts[at];
    while (cut !== undefined && cut.end < edit.end) {
      at += 1;
      cut = cuts[at];
    }
    return cut === undefined || edit.start < cut.start;
  });
}

function inOrder(edits: readonly Edit[]): Edit[] {
  return [...edits].sort((a, b) => a.start - b.start || a.end - b.end);
}
