// What the HTTP layer has to know of a message to route it. It decides nothing: the strict reader
// judges the same bytes before any of them is passed on.
import type { Span } from "../kernel/message.ts";
import {
  memberNamed,
  membersOf,
  readNumber,
  readString,
  valueAt,
  wholeValue,
} from "../proxy/json-members.ts";

export interface MessageHead {
  readonly kind: "request" | "notification" | "response";
  /** As `MessageId.key`; `null` for none that can be read. */
  readonly key: string;
  /** Empty for a response. */
  readonly method: string;
  readonly params: Span | undefined;
  readonly result: Span | undefined;
}

const META = "_meta";
export const META_VERSION = "io.modelcontextprotocol/protocolVersion";
export const META_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities";
const META_SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId";

/** @param line with or without its line feed; `undefined` when it is nothing like a message */
export function headOf(line: Uint8Array): MessageHead | undefined {
  const members = membersOf(line, wholeValue(line));
  if (members === undefined) return undefined;
  const method = memberNamed(members, "method");
  const id = memberNamed(members, "id")?.value;
  const hasId = members.some(({ name }) => name === "id");
  const params = memberNamed(members, "params")?.value;
  const result = memberNamed(members, "result")?.value;
  const key = keyOf(line, id);
  if (method === undefined) {
    const isResponse = members.some(({ name }) => name === "result" || name === "error");
    return isResponse ? { kind: "response", key, method: "", params, result } : undefined;
  }
  const kind = hasId ? "request" : "notification";
  return { kind, key, method: readString(line, method.value) ?? "", params, result };
}

/** The id key of a raw id: a string or a number; `null` for anything else. */
export function keyOf(line: Uint8Array, id: Span | undefined): string {
  const text = readString(line, id);
  if (text !== undefined) return `s:${text}`;
  const number = readNumber(line, id);
  return number === undefined ? "null" : `n:${number}`;
}

/** The protocol version that a message of the modern era names. */
export function versionSpan(line: Uint8Array, head: MessageHead): Span | undefined {
  return valueAt(line, head.params, META, META_VERSION);
}

/** The raw id that a notification belongs to: its subscription, or the call that it is progress of. */
export function relatedSpans(
  line: Uint8Array,
  head: MessageHead,
): { readonly subscription: Span | undefined; readonly progressToken: Span | undefined } {
  return {
    subscription: valueAt(line, head.params, META, META_SUBSCRIPTION),
    progressToken: valueAt(line, head.params, "progressToken"),
  };
}

/** The progress token that a request hands out, raw. */
export function progressTokenSpan(line: Uint8Array, head: MessageHead): Span | undefined {
  return valueAt(line, head.params, META, "progressToken");
}
