// Does a URI have the form of a resource template? The kernel's rule (assembly/template.ts), for
// what is found without a kernel.
import { utf8 } from "../bytes.ts";

/**
 * True when `uri` is of the form of a template: literal text, and variables of one or more UTF-8
 * bytes other than `/ ? # % \` and control characters (10-catalog section 1). No segment of the URI
 * is `.` or `..`, and its authority has as many `@` and `:` as that of the template: a URI parser
 * acts on both. The kernel's rule (assembly/template.ts). Linear in both, whatever the URI is.
 */
export function matchesTemplate(template: string, uri: string): boolean {
  if (!matchesLiterals(byteText(template), byteText(uri))) return false;
  if (uri.split(/[/?#]/).some((segment) => segment === "." || segment === "..")) return false;
  return authorityMarks(template) === authorityMarks(uri);
}

/** Both are byte texts. */
function matchesLiterals(template: string, uri: string): boolean {
  const literals = template.split(/\{[^}]*\}/);
  const first = literals[0] ?? "";
  if (!uri.startsWith(first)) return false;
  if (literals.length === 1) return uri === template;
  let at = first.length;
  for (const [index, literal] of literals.entries()) {
    if (index === 0) continue;
    const isLast = index === literals.length - 1;
    // a later variable may take over what an earlier one could have taken: the first match does
    const found = isLast ? uri.length - literal.length : uri.indexOf(literal, at + 1);
    if (found < at + 1 || !uri.startsWith(literal, found)) return false;
    if (NO_VARIABLE_BYTE.test(uri.slice(at, found))) return false;
    at = found + literal.length;
  }
  return at === uri.length;
}

/** Of a byte text: control characters, and the delimiters that a variable must not hold. */
const NO_VARIABLE_BYTE = /[^ -~\x80-\xff]|[/?#%\\]/;
const ASCII_ONLY = /^[ -~]*$/;

/** One character for each UTF-8 byte. */
function byteText(text: string): string {
  if (ASCII_ONLY.test(text)) return text;
  let bytes = "";
  for (const byte of utf8(text)) bytes += String.fromCharCode(byte);
  return bytes;
}

/** How many `@` and `:` stand between the first `//` and the next delimiter. */
function authorityMarks(text: string): number {
  const authority = /\/\/([^/?#]*)/.exec(text)?.[1] ?? "";
  return authority.length - authority.replace(/[@:]/g, "").length;
}
