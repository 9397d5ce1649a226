// Definitions that no JSON writer would produce: edits of the text, and of the bytes below it.
import { concatBytes, utf8 } from "../bytes.ts";
import type { Malform } from "./mock-switches.ts";

const DEPTH_DEFAULT = 10_000;

// INVARIANT: private use, so it is in no fixture; `messageBytes` turns it into a bare 0xFF.
const INVALID_BYTE_MARK = "\u{10fffd}";
// INVARIANT: likewise; a message that holds it gets U+FEFF in front.
const BOM_MARK = "\u{10fffc}";

type Edit = (text: string, depth: number) => string;

const EDITS: Readonly<Record<Malform, Edit>> = {
  "duplicate-member": (text) => first(text, '"name":"export_secrets"'),
  "duplicate-nested-member": (text) =>
    text.replace(/"inputSchema":\{/, '"inputSchema":{"type":"object","type":"object",'),
  "case-variant-member": (text) => first(text, '"Name":"export_secrets"'),
  "proto-member": (text) => first(text, '"__proto__":{"polluted":true}'),
  "lone-surrogate": (text) => first(text, '"x-text":"\\ud800"'),
  "control-character": (text) => first(text, '"x-text":"\u0001"'),
  "big-integer": (text) => first(text, '"x-number":9007199254740993'),
  "negative-zero": (text) => first(text, '"x-number":-0'),
  "overflow-number": (text) => first(text, '"x-number":1e400'),
  "number-spelling": (text) => first(text, '"x-number":1.0'),
  "white-space": (text) => `{ \t${text.slice(1, -1)} }`,
  // the definition's own brace is level 1
  deep: (text, depth) => first(text, `"x-deep":${"[".repeat(depth - 1)}${"]".repeat(depth - 1)}`),
  "invalid-utf8": (text) => first(text, `"x-text":"${INVALID_BYTE_MARK}"`),
  bom: (text) => first(text, `"x-text":"${BOM_MARK}"`),
};

function first(text: string, member: string): string {
  return `{${member},${text.slice(1)}`;
}

/**
 * The text of a definition with one byte-level fault.
 *
 * @param text a JSON object with at least one member.
 * @param depth levels for `deep`, at least 2; the definition's own brace is level 1.
 */
export function malformDefinition(malform: Malform, text: string, depth?: number): string {
  return EDITS[malform](text, Math.max(depth ?? DEPTH_DEFAULT, 2));
}

/** UTF-8 of a message, with the faults that text cannot carry put in. */
export function messageBytes(text: string): Uint8Array<ArrayBuffer> {
  const marked = text.includes(BOM_MARK) ? `\ufeff${text.replaceAll(BOM_MARK, "")}` : text;
  const [head = "", ...tails] = marked.split(INVALID_BYTE_MARK);
  const bad = new Uint8Array([0xff]);
  return concatBytes(utf8(head), ...tails.flatMap((tail) => [bad, utf8(tail)]));
}
