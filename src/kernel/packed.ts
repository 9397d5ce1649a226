// The kernel's bytes as printable ASCII, which a compressing server makes almost as small as the
// bytes themselves. WHY: base64 tears bytes apart, and its gzip is 26.4 KB where this is 20.4.
import { fromHex } from "../bytes.ts";

/** Bytes as scripts/build-kernel.js packs them. */
export interface PackedBytes {
  /** Distinct characters; the first two only begin a pair. */
  readonly alphabet: string;
  /** The values that are one character each, two hex digits each, in the alphabet's order. */
  readonly frequent: string;
  /** One character for a frequent value; two for any other, by its rank among the others. */
  readonly text: string;
}

const PREFIX_COUNT = 2;

/**
 * The bytes of `packed`. What was not packed by the build gives other bytes, not an error: the
 * compiler of the module is the judge.
 */
export function unpackBytes({ alphabet, frequent, text }: PackedBytes): Uint8Array<ArrayBuffer> {
  const base = alphabet.length;
  const digits = new Uint8Array(128);
  for (let digit = 0; digit < base; digit++) digits[alphabet.charCodeAt(digit)] = digit;
  const values = new Set(fromHex(frequent));
  for (let value = 0; value < 256; value++) values.add(value);
  const ranked = Uint8Array.from(values);
  const bytes = new Uint8Array(text.length);
  let size = 0;
  for (let at = 0; at < text.length; at++) {
    let rank = (digits[text.charCodeAt(at)] ?? 0) - PREFIX_COUNT;
    if (rank < 0) {
      at += 1;
      const prefix = rank + PREFIX_COUNT;
      rank = base - PREFIX_COUNT + prefix * base + (digits[text.charCodeAt(at)] ?? 0);
    }
    bytes[size] = ranked[rank] ?? 0;
    size += 1;
  }
  return bytes.slice(0, size);
}
