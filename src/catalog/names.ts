// The grammars of names in a catalog (10-catalog section 1). Each check gives what was expected.
import { LIMIT_NAME_BYTES, LIMIT_URI_BYTES } from "../abi/limits.ts";
import { isFingerprint, utf8 } from "../bytes.ts";
import type { ItemKind } from "./types.ts";

const SERVER_ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const OPERATOR_NAME = /^[a-z][a-z0-9_.-]{0,63}$/;
const PATTERN_ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
const CONTROL = /\p{Cc}/u;
const URI_TEMPLATE = /^(?:[^{}]|\{[A-Za-z0-9_.]+\})*$/;
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** The check of one name: `expected ...`, or `undefined` when the name is fine. */
export type NameCheck = (name: string) => string | undefined;

export const serverIdFault: NameCheck = (id) =>
  SERVER_ID.test(id) ? undefined : "expected a server id of 1 to 64 of A-Z a-z 0-9 _ . -";

export const operatorNameFault: NameCheck = (name) =>
  OPERATOR_NAME.test(name) ? undefined : "expected a lower-case name of 1 to 64 of a-z 0-9 _ . -";

export const digestFault: NameCheck = (digest) =>
  isFingerprint(digest) ? undefined : "expected sha256: and 64 lower-case hex digits";

export const patternIdFault: NameCheck = (id) =>
  PATTERN_ID.test(id) ? undefined : "expected a vetting pattern id";

/** Names of tools, prompts, rules and catalogs: 1-128 bytes, no control characters. */
export const nameFault: NameCheck = (name) =>
  isBounded(name, LIMIT_NAME_BYTES) && !CONTROL.test(name)
    ? undefined
    : `expected a name of 1 to ${LIMIT_NAME_BYTES} bytes without control characters`;

/** The name of an item of `kind`: a name, a URI, or a URI template. */
export function itemNameFault(kind: ItemKind, name: string): string | undefined {
  if (kind === "tool" || kind === "prompt") return nameFault(name);
  if (!isBounded(name, LIMIT_URI_BYTES) || CONTROL.test(name)) {
    return `expected a uri of 1 to ${LIMIT_URI_BYTES} bytes without control characters`;
  }
  if (kind === "resource_template" && !URI_TEMPLATE.test(name)) {
    return "expected a uri template of literal text and {name} variables only";
  }
  return undefined;
}

/** A principal or a pattern of principals: text, with at most one `*`, and that at the end. */
export const principalPatternFault: NameCheck = (pattern) => {
  const star = pattern.indexOf("*");
  const isPattern = star === -1 || star === pattern.length - 1;
  return isPattern && isBounded(pattern, LIMIT_URI_BYTES) && !CONTROL.test(pattern)
    ? undefined
    : "expected a principal, exact or with one trailing *";
};

/** The name of an environment variable, as every system can hold it. */
export const variableFault: NameCheck = (name) =>
  name !== "" && !name.includes("=") && !CONTROL.test(name)
    ? undefined
    : "expected the name of an environment variable";

/** An HTTP field name (RFC 9110 section 5.1). */
export const headerFault: NameCheck = (name) =>
  HEADER_NAME.test(name) ? undefined : "expected the name of an http header";

/** A method that is forwarded byte for byte. */
export const methodFault: NameCheck = (name) =>
  isBounded(name, LIMIT_NAME_BYTES) && !CONTROL.test(name)
    ? undefined
    : `expected a method name of 1 to ${LIMIT_NAME_BYTES} bytes without control characters`;

/** ASCII letters lower-cased, everything else as it is. */
export function foldAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function isBounded(name: string, sizeMax: number): boolean {
  // WHY: one UTF-16 unit is at most 3 bytes; short names need no encoding (100 000 tools)
  return name !== "" && (name.length * 3 <= sizeMax || utf8(name).length <= sizeMax);
}
