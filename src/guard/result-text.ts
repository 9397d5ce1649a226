// All text of a result, for a scanner.
import { isBytes, utf8Text } from "../bytes.ts";

const decoderLossy = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Every string in `content`, names of members included, one after the other on lines of their own;
 * `undefined` when it cannot be read as JSON. Never throws. Of any depth: text that nobody reads is
 * where somebody hides it.
 */
export function resultText(content: unknown): string | undefined {
  if (typeof content === "string") return content;
  if (isBytes(content)) return utf8Text(content) ?? decoderLossy.decode(content);
  let value: unknown;
  try {
    const text: unknown = JSON.stringify(content);
    if (typeof text !== "string") return undefined;
    value = JSON.parse(text);
  } catch {
    // a cycle, a bigint, a getter that throws: nothing of it can be forwarded
    return undefined;
  }
  const texts: string[] = [];
  const open: unknown[] = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (typeof next === "string") texts.push(next);
    if (typeof next !== "object" || next === null) continue;
    if (!Array.isArray(next)) for (const key of Object.keys(next)) texts.push(key);
    // the last one in is the next one out: reversed, so that texts stay in their order
    for (const member of Object.values(next).reverse()) open.push(member);
  }
  return texts.join("\n");
}
