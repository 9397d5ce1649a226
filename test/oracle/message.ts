// Oracle: the shape of one JSON-RPC message, 50-proxy section 2 ("Message shapes", "Line breaks",
// "Results"). The rules are the same in both directions.
import { type JsonFault, type JsonNode, type Member, readTolerant } from "./strict-json.ts";

/** As in the message; a number is a plain integer. */
export type MessageId = string | number;

/** Why a message is malformed. */
export type MessageFault =
  | JsonFault
  | "line_break"
  | "batch"
  | "shape"
  | "id"
  | "method"
  | "params"
  | "folded_member";

export interface MessageOptions {
  /** For results other than listings: lone-surrogate escapes and any JSON number pass. */
  readonly lenient?: boolean;
  /** An HTTP body, where line breaks are plain white space. */
  readonly isHttp?: boolean;
  /** Bytes, the line feed excluded; 10 MiB when absent. */
  readonly sizeMax?: number;
}

interface CallPart {
  readonly method: string;
  /** Of tools/call and prompts/get. */
  readonly name?: string;
  /** Of resources/read, resources/subscribe and resources/unsubscribe. */
  readonly uri?: string;
  /** Raw bytes of `params.arguments` of tools/call and prompts/get: a view of the input. */
  readonly argumentsText?: Uint8Array;
}

export type MessageReading =
  | ({ readonly kind: "request"; readonly id: MessageId } & CallPart)
  | { readonly kind: "notification"; readonly method: string }
  | { readonly kind: "result"; readonly id: MessageId }
  | { readonly kind: "error"; readonly id: MessageId | null }
  | {
      readonly kind: "malformed";
      readonly reason: MessageFault;
      /**
       * The only top-level id, when it was complete before the bytes stop being JSON and is a
       * valid one. A reader that stops earlier may know none, but never another one.
       */
      readonly idReadable?: MessageId;
    };

const ID_BYTES_MAX = 256;
const ID_INTEGER_MAX = 2n ** 53n - 1n;
const MESSAGE_BYTES_MAX = 10_485_760;
const TOP_LEVEL = ["jsonrpc", "id", "method", "params", "result", "error"];
const BY_NAME = ["tools/call", "prompts/get"];
const BY_URI = ["resources/read", "resources/subscribe", "resources/unsubscribe"];
const KNOWN_PARAMS = [
  "name",
  "arguments",
  "uri",
  "_meta",
  "task",
  "inputResponses",
  "requestState",
];

/** Thrown inside this file only. */
class Malformed extends Error {
  readonly reason: MessageFault;
  constructor(reason: MessageFault) {
    super(reason);
    this.reason = reason;
  }
}

/**
 * Unicode simple case folding, as far as it can reach ASCII: A-Z, U+017F (long s), U+212A (kelvin).
 * Everything else folds to something that no known member holds.
 */
export function foldCase(text: string): string {
  return text.replace(/[A-Z\u017f\u212a]/g, (character) => {
    if (character === "\u017f") return "s";
    return character === "\u212a" ? "k" : String.fromCharCode(character.charCodeAt(0) + 32);
  });
}

function member(members: readonly Member[], name: string): JsonNode | undefined {
  return members.find((candidate) => candidate.name === name)?.value;
}

/** The id of a request or of a response; `undefined` when it is not a valid one. */
function readId(node: JsonNode | undefined): MessageId | undefined {
  if (node?.type === "string") {
    const fits = Buffer.byteLength(node.value, "utf8") <= ID_BYTES_MAX;
    return fits && node.value.isWellFormed() ? node.value : undefined;
  }
  if (node?.type !== "number" || !/^-?[0-9]+$/.test(node.text)) return undefined;
  const value = BigInt(node.text);
  return value >= -ID_INTEGER_MAX && value <= ID_INTEGER_MAX ? Number(value) : undefined;
}

function readDispatch(method: string, params: JsonNode | undefined, bytes: Uint8Array): CallPart {
  const isByName = BY_NAME.includes(method);
  if (!isByName && !BY_URI.includes(method)) return { method };
  if (params?.type !== "object") throw new Malformed("params");
  for (const { name } of params.members) {
    if (KNOWN_PARAMS.includes(name)) continue;
    if (KNOWN_PARAMS.some((known) => foldCase(known) === foldCase(name))) {
      throw new Malformed("folded_member");
    }
  }
  const target = member(params.members, isByName ? "name" : "uri");
  if (target?.type !== "string" || !target.value.isWellFormed()) throw new Malformed("params");
  if (!isByName) return { method, uri: target.value };
  const given = member(params.members, "arguments");
  if (given === undefined) return { method, name: target.value };
  if (given.type !== "object") throw new Malformed("params");
  return { method, name: target.value, argumentsText: bytes.subarray(given.start, given.end) };
}

function readCall(members: readonly Member[], bytes: Uint8Array): MessageReading {
  const method = member(members, "method");
  const params = member(members, "params");
  if (method?.type !== "string" || !method.value.isWellFormed()) throw new Malformed("method");
  if (members.some(({ name }) => name === "result" || name === "error")) {
    throw new Malformed("shape");
  }
  if (params !== undefined && params.type !== "object") throw new Malformed("params");
  const isNotification = method.value.startsWith("notifications/");
  const idNode = member(members, "id");
  if (isNotification !== (idNode === undefined)) throw new Malformed("id");
  if (isNotification) return { kind: "notification", method: method.value };
  const id = readId(idNode);
  if (id === undefined) throw new Malformed("id");
  if (typeof id === "string" && id.startsWith("portcullis:")) throw new Malformed("id");
  return { kind: "request", id, ...readDispatch(method.value, params, bytes) };
}

function readResponse(members: readonly Member[]): MessageReading {
  const hasResult = member(members, "result") !== undefined;
  const hasError = member(members, "error") !== undefined;
  if (hasResult === hasError) throw new Malformed("shape");
  if (member(members, "params") !== undefined) throw new Malformed("shape");
  const idNode = member(members, "id");
  if (hasError && idNode?.type === "literal" && idNode.value === null) {
    return { kind: "error", id: null };
  }
  const id = readId(idNode);
  if (id === undefined) throw new Malformed("id");
  return { kind: hasError ? "error" : "result", id };
}

function readShape(root: JsonNode, bytes: Uint8Array): MessageReading {
  if (root.type === "array") throw new Malformed("batch");
  if (root.type !== "object") throw new Malformed("shape");
  const version = member(root.members, "jsonrpc");
  if (root.members.some(({ name }) => !TOP_LEVEL.includes(name))) throw new Malformed("shape");
  if (version?.type !== "string" || version.value !== "2.0") throw new Malformed("shape");
  if (member(root.members, "method") !== undefined) return readCall(root.members, bytes);
  return readResponse(root.members);
}

/**
 * Reads one message.
 *
 * @param line one stdio line without its line feed, or one HTTP body
 */
export function readMessage(line: Uint8Array, options: MessageOptions = {}): MessageReading {
  const { lenient = false, isHttp = false, sizeMax = MESSAGE_BYTES_MAX } = options;
  const { value, fault, topMembers } = readTolerant(line, { lenient, sizeMax });
  const ids = topMembers.filter(({ name }) => name === "id");
  const idReadable =
    value?.type === "array" || ids.length !== 1 ? undefined : readId(ids[0]?.value);
  try {
    const isBroken = /[\r\n]/.test(
      Buffer.from(line)
        .toString("latin1")
        .replace(/(\r\n|\r|\n)$/, ""),
    );
    if (!isHttp && isBroken) throw new Malformed("line_break");
    if (fault !== undefined || value === undefined) throw new Malformed(fault ?? "syntax");
    return readShape(value, line);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    const { reason } = error;
    return { kind: "malformed", reason, ...(idReadable === undefined ? {} : { idReadable }) };
  }
}
