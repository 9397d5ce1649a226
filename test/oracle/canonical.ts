// Oracle: the canonical form of RFC 8785 (JCS), by the text of the RFC alone.
import type { JsonNode } from "./strict-json.ts";

/** Section 3.2.2.2: the characters with a short escape. */
const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ["\b", "\\b"],
  ["\t", "\\t"],
  ["\n", "\\n"],
  ["\f", "\\f"],
  ["\r", "\\r"],
  ['"', '\\"'],
  ["\\", "\\\\"],
]);

function canonicalString(value: string): string {
  if (!value.isWellFormed()) throw new Error("a lone surrogate has no canonical form");
  let text = "";
  for (const character of value) {
    const short = SHORT_ESCAPES.get(character);
    if (short !== undefined) text += short;
    else if (character < " ") text += `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
    else text += character;
  }
  return `"${text}"`;
}

function canonicalNumber(text: string): string {
  const value = Number(text);
  if (!Number.isFinite(value)) throw new Error("a number without a double has no canonical form");
  return String(value);
}

/**
 * Canonical text of a strictly read value; its UTF-8 bytes are what is hashed.
 *
 * Throws for what only a lenient reader lets through: a lone surrogate, an infinite number.
 */
export function canonical(node: JsonNode): string {
  if (node.type === "literal") return String(node.value);
  if (node.type === "number") return canonicalNumber(node.text);
  if (node.type === "string") return canonicalString(node.value);
  if (node.type === "array") return `[${node.items.map(canonical).join(",")}]`;
  // JavaScript compares strings by UTF-16 code units, as section 3.2.3 asks
  const sorted = [...node.members].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const members = sorted.map(({ name, value }) => `${canonicalString(name)}:${canonical(value)}`);
  return `{${members.join(",")}}`;
}
