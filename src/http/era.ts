// Which era a message belongs to, and whether its headers say what its body says (2026-07-28,
// Streamable HTTP). The guard decides from the body; a header that says something else is refused,
// because whoever stands behind may go by the header.
import { VERDICT_FEATURE_DENIED, VERDICT_MALFORMED_MESSAGE } from "../abi/verdict.ts";
import { fromBase64, utf8, utf8Text } from "../bytes.ts";
import type { Span } from "../kernel/message.ts";
import { idOfKey, plainError } from "../proxy/answers.ts";
import { readString, spanText, valueAt, wholeValue } from "../proxy/json-members.ts";
import { METHODS } from "../proxy/methods.ts";
import { META_CAPABILITIES, type MessageHead, versionSpan } from "./message-head.ts";
import { LIMIT_CAPABILITIES_BYTES } from "./limits.ts";
import { PARAM_PREFIX } from "./request-checks.ts";

export const MODERN_VERSION = "2026-07-28";
const LEGACY_VERSIONS: ReadonlySet<string> = new Set([
  "2024-10-07",
  "2024-11-05",
  "2025-03-26",
  "2025-06-18",
  "2025-11-25",
]);

const INVALID_REQUEST = -32600;
const METHOD_NOT_FOUND = -32601;
const INVALID_PARAMS = -32602;
const HEADER_MISMATCH = -32020;
const UNSUPPORTED_VERSION = -32022;

/** Method -> the member of `params` that `Mcp-Name` repeats. */
const NAME_MEMBER: ReadonlyMap<string, string> = new Map([
  ["tools/call", "name"],
  ["prompts/get", "name"],
  ["resources/read", "uri"],
  ["tasks/get", "taskId"],
  ["tasks/update", "taskId"],
  ["tasks/cancel", "taskId"],
]);

/** A message that is refused before any session takes it. */
export interface EraRefusal {
  readonly verdict: number;
  readonly detail: string;
  readonly status: 400 | 404;
  /** What the client is answered. */
  readonly answer: Uint8Array;
}

export type Era =
  | { readonly era: "legacy" }
  | { readonly era: "modern" }
  | { readonly refusal: EraRefusal };

type Refuse = (code: number, detail: string) => Era;

/**
 * @param line the message
 * @param headers those that go on to the server
 */
export function eraOf(
  line: Uint8Array,
  head: MessageHead,
  headers: ReadonlyMap<string, string>,
): Era {
  const refuse: Refuse = (code, detail) => malformed(detail, errorOf(head, code, detail));
  const header = headers.get("mcp-protocol-version");
  const span = versionSpan(line, head);
  const version = readString(line, span);
  const isModernHeader = header === MODERN_VERSION;
  if (header !== undefined && version !== undefined && header !== version) {
    return refuse(HEADER_MISMATCH, "the version in the header is not the one in the body");
  }
  if (header !== undefined && !isModernHeader && !LEGACY_VERSIONS.has(header)) {
    return unsupported(head, header);
  }
  if (head.kind === "response") {
    if (!isModernHeader) return { era: "legacy" };
    return refuse(INVALID_REQUEST, "a response, which no client of this revision sends");
  }
  if (span === undefined) {
    if (!isModernHeader) return { era: "legacy" };
    if (head.kind === "notification") {
      return headerMismatch(line, head, headers, refuse) ?? { era: "modern" };
    }
    return refuse(INVALID_PARAMS, "expected `_meta` with the protocol version of the header");
  }
  if (version === undefined) return refuse(INVALID_PARAMS, "expected the protocol version as text");
  if (version !== MODERN_VERSION) {
    if (!LEGACY_VERSIONS.has(version)) return unsupported(head, version);
    // WHY: a server that goes by the body alone would take it for modern
    return refuse(HEADER_MISMATCH, "a version of the legacy era in `_meta`");
  }
  if (header === undefined && head.kind === "request") {
    return refuse(HEADER_MISMATCH, "expected the header MCP-Protocol-Version");
  }
  const capabilities = valueAt(line, head.params, "_meta", META_CAPABILITIES);
  if (
    head.kind === "request" &&
    (capabilities === undefined || line[capabilities.start] !== 0x7b)
  ) {
    return refuse(INVALID_PARAMS, `expected ${META_CAPABILITIES} in \`_meta\``);
  }
  if (capabilities !== undefined && sizeOf(capabilities) > LIMIT_CAPABILITIES_BYTES) {
    return refuse(INVALID_PARAMS, "client capabilities that are over the limit");
  }
  return headerMismatch(line, head, headers, refuse) ?? removedMethod(head) ?? { era: "modern" };
}

/**
 * A method that this revision has given up: no server of the era has it, whatever its shape was.
 */
function removedMethod(head: MessageHead): Era | undefined {
  const { kind, method } = head;
  const until = METHODS.get(method)?.until ?? MODERN_VERSION;
  if (kind !== "request" || until === MODERN_VERSION) return undefined;
  const verdict = VERDICT_FEATURE_DENIED;
  const detail = `a method that revision ${MODERN_VERSION} does not have`;
  const answer = errorOf(head, METHOD_NOT_FOUND, "Method not found");
  return { refusal: { verdict, detail, status: 404, answer } };
}

function headerMismatch(
  line: Uint8Array,
  head: MessageHead,
  headers: ReadonlyMap<string, string>,
  refuse: Refuse,
): Era | undefined {
  const method = headers.get("mcp-method");
  const isRequest = head.kind === "request";
  if (method === undefined && isRequest) {
    return refuse(HEADER_MISMATCH, "expected the header Mcp-Method");
  }
  if (method !== undefined && method !== head.method) {
    return refuse(HEADER_MISMATCH, "the method in the header is not the one in the body");
  }
  if (!areParamsInBody(line, head, headers)) {
    return refuse(HEADER_MISMATCH, "a header Mcp-Param with a value that no argument has");
  }
  const member = NAME_MEMBER.get(head.method);
  const given = headers.get("mcp-name");
  if (member === undefined || !isRequest) {
    if (given === undefined) return undefined;
    return refuse(HEADER_MISMATCH, "a header Mcp-Name for a message that has no name");
  }
  const name = readString(line, valueAt(line, head.params, member));
  if (name !== undefined && given === undefined) {
    return refuse(HEADER_MISMATCH, "expected the header Mcp-Name");
  }
  if (given !== undefined && decodeHeader(given) !== name) {
    return refuse(HEADER_MISMATCH, "the name in the header is not the one in the body");
  }
  return undefined;
}

/**
 * Every `Mcp-Param-*` must repeat an argument. Which one is in the tool's schema and for the server to
 * compare; what the guard keeps out is a value that it has not judged.
 */
function areParamsInBody(
  line: Uint8Array,
  head: MessageHead,
  headers: ReadonlyMap<string, string>,
): boolean {
  const given = [...headers].filter(([name]) => name.startsWith(PARAM_PREFIX));
  if (given.length === 0) return true;
  const span = valueAt(line, head.params, "arguments");
  const texts = new Set<string>();
  const collect = (value: unknown): void => {
    if (typeof value === "object" && value !== null) Object.values(value).forEach(collect);
    else if (value !== null) texts.add(String(value));
  };
  try {
    collect(span === undefined ? undefined : JSON.parse(spanText(line, span)));
  } catch {
    // the strict reader refuses the message
    return true;
  }
  return given.every(([, value]) => {
    const text = decodeHeader(value);
    return text !== undefined && texts.has(text);
  });
}

/** `=?base64?...?=` holds UTF-8; anything else is itself. */
function decodeHeader(value: string): string | undefined {
  const [, body] = /^=\?base64\?(.*)\?=$/s.exec(value) ?? [];
  if (body === undefined) return value;
  try {
    return utf8Text(fromBase64(body));
  } catch {
    return undefined;
  }
}

function sizeOf({ start, end }: Span): number {
  return end - start;
}

function unsupported(head: MessageHead, requested: string): Era {
  const detail = "a protocol version that this guard does not know";
  const data = { supported: [MODERN_VERSION], requested: requested.slice(0, 64) };
  const id = head.kind === "request" ? idOfKey(head.key) : null;
  const error = { code: UNSUPPORTED_VERSION, message: detail, data };
  return malformed(detail, utf8(JSON.stringify({ jsonrpc: "2.0", id, error })));
}

function malformed(detail: string, answer: Uint8Array): Era {
  return { refusal: { verdict: VERDICT_MALFORMED_MESSAGE, detail, status: 400, answer } };
}

function errorOf(head: MessageHead, code: number, message: string): Uint8Array {
  const id = head.kind === "request" ? idOfKey(head.key) : null;
  return plainError(id, code, message).subarray(0, -1);
}

/** True when the bytes hold an object, as far as brackets tell. */
export function isObject(line: Uint8Array): boolean {
  return line[wholeValue(line).start] === 0x7b;
}
