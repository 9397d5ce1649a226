// Arguments as a person is shown them: secrets masked, hidden characters visible, nothing endless.
import { utf8Text } from "../bytes.ts";
import { canonicalBytes } from "../kernel/strict-json.ts";
import { visible } from "../manifest/drift-visible.ts";
import { isCountKey, isSecretKey, maskOf, maskSecrets } from "./secret-text.ts";

/** Characters of one text that are shown; a longer one is cut in its middle. */
export const LIMIT_SHOWN_TEXT = 400;
/** Members of one object or array that are shown. */
export const LIMIT_SHOWN_MEMBERS = 100;
/** Characters after which no further member is shown. */
export const LIMIT_SHOWN_ARGUMENTS = 16_384;

const INDENT = "  ";
/** Characters at each end of a long text that are searched for secrets: more than are shown. */
const WINDOW = 1024;
export const UNREADABLE_ARGUMENTS = "(arguments that cannot be read)";

/** What may still be shown. */
interface Budget {
  left: number;
}

/**
 * The arguments of a call for a person, one member a line.
 *
 * A text of the arguments stays on its line and inside its quotes, so it cannot imitate the
 * question around it. Whatever is left out is counted. The work is bounded by what is shown.
 *
 * @param args raw JSON text or bytes, or a value; never throws
 */
export function argumentText(args: unknown): string {
  const value = readArguments(args);
  if (value === undefined) return UNREADABLE_ARGUMENTS;
  return describe(value, "", "", { left: LIMIT_SHOWN_ARGUMENTS });
}

/** A JSON value with own members only, in the order of RFC 8785. */
function readArguments(args: unknown): unknown {
  if (args === undefined) return {};
  if (typeof args !== "string" && (typeof args !== "object" || args === null)) return undefined;
  try {
    const value: unknown = JSON.parse(utf8Text(canonicalBytes(args)) ?? "");
    return value;
  } catch {
    // the layer of the arguments refuses these; here they only must not be shown as something else
    return undefined;
  }
}

/** @param secretKey the name of the secret that this is, or is part of; "" = none */
function describe(value: unknown, secretKey: string, indent: string, budget: Budget): string {
  const isSecret = secretKey !== "";
  if (typeof value === "string") {
    return isSecret && value !== "" ? maskOf("secret", value.length) : quoted(shorten(value));
  }
  if (typeof value === "number" && isSecret && !isCountKey(secretKey)) {
    return maskOf("number", String(value).length);
  }
  if (typeof value !== "object" || value === null) return String(value);
  const inner = indent + INDENT;
  const lines: string[] = [];
  const keys = Object.keys(value);
  for (const key of keys.slice(0, LIMIT_SHOWN_MEMBERS)) {
    if (budget.left <= 0) break;
    const member: unknown = Reflect.get(value, key);
    const isElement = Array.isArray(value);
    const name = isElement ? "" : `${quoted(shorten(key))}: `;
    budget.left -= name.length + inner.length;
    const secret = !isElement && isSecretKey(key) ? key : secretKey;
    const text = describe(member, secret, inner, budget);
    if (typeof member !== "object") budget.left -= text.length;
    lines.push(name + text);
  }
  const left = keys.length - lines.length;
  if (left > 0) lines.push(`(${left} more)`);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  if (lines.length === 0) return `${open}${close}`;
  return `${open}\n${lines.map((line) => `${inner}${line}`).join("\n")}\n${indent}${close}`;
}

/** In quotes, on one line, with hidden characters as `<U+200B>`. */
function quoted(text: string): string {
  return visible(JSON.stringify(text));
}

/** Secrets masked; of a long text the start, the end, and how much is between. */
function shorten(text: string): string {
  const isHuge = text.length > 2 * WINDOW;
  const masked = maskSecrets(isHuge ? text.slice(0, WINDOW) : text);
  if (!isHuge && masked.length <= LIMIT_SHOWN_TEXT) return masked;
  const tailSize = LIMIT_SHOWN_TEXT / 4;
  const start = masked.slice(0, LIMIT_SHOWN_TEXT - tailSize).toWellFormed();
  const end = (isHuge ? maskSecrets(text.slice(-WINDOW)) : masked).slice(-tailSize).toWellFormed();
  const left = (isHuge ? text.length : masked.length) - LIMIT_SHOWN_TEXT;
  return `${start} (… ${left} of ${text.length} characters left out …) ${end}`;
}
