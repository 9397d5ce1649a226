// Shape of one JSON-RPC message, read by the kernel from its raw bytes (50-proxy section 2).
import * as layout from "../abi/layout.ts";
import type { Kernel } from "./kernel.ts";
import { describeReadError } from "./read-errors.ts";

/** Byte offsets within the message, end exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A JSON-RPC id. `"1"` and `1` are two ids: their keys differ. */
export interface MessageId {
  /** `s:<text>`, `n:<integer>` or `null`: equal exactly for equal ids. */
  readonly key: string;
  /** As it stood in the message. */
  readonly span: Span;
}

/** A message that may be looked at further; spans are into its bytes. */
export interface MessageShape {
  readonly kind: "request" | "notification" | "result" | "error";
  readonly id: MessageId | undefined;
  /** Decoded; requests and notifications only. */
  readonly method: string | undefined;
  /** METHOD_TOOLS_CALL ... when the request is a dispatch, else METHOD_OTHER. */
  readonly dispatch: number;
  /** Decoded `params.name` or `params.uri` of a dispatch; `undefined` when over its limit. */
  readonly name: string | undefined;
  readonly params: Span | undefined;
  readonly arguments: Span | undefined;
  readonly meta: Span | undefined;
  readonly result: Span | undefined;
  readonly failure: Span | undefined;
}

/** A message that is never forwarded. */
export interface MalformedMessage {
  readonly kind: "malformed";
  /** READ_* */
  readonly error: number;
  /** One line: what is wrong, and at which byte. */
  readonly message: string;
  /** The only valid top-level id, when there is exactly one. */
  readonly id: MessageId | undefined;
}

const KINDS: readonly (MessageShape["kind"] | undefined)[] = [
  undefined,
  "request",
  "notification",
  "result",
  "error",
];

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Reads the message of `size` bytes that stands at the start of the kernel's input region.
 *
 * @param flags READ_FLAG_*
 */
export function readShape(
  kernel: Kernel,
  size: number,
  flags: number,
): MessageShape | MalformedMessage {
  kernel.exports.readMessage(size, flags);
  return frameShape(kernel);
}

/** The shape that the kernel's frame holds since its last reading. */
export function frameShape(kernel: Kernel): MessageShape | MalformedMessage {
  const kind = KINDS[kernel.frame(layout.FRAME_WORD_KIND)];
  const id = readId(kernel);
  if (kind === undefined) {
    const error = kernel.frame(layout.FRAME_WORD_ERROR);
    const at = kernel.frame(layout.FRAME_WORD_ERROR_AT);
    return { kind: "malformed", error, message: `${describeReadError(error)} (byte ${at})`, id };
  }
  const hasMethod = kind === "request" || kind === "notification";
  return {
    kind,
    id,
    method: hasMethod ? decodeSpan(kernel, layout.FRAME_WORD_METHOD_START) : undefined,
    dispatch: kernel.frame(layout.FRAME_WORD_METHOD),
    name: readName(kernel),
    params: readSpan(kernel, layout.FRAME_WORD_PARAMS_START),
    arguments: readSpan(kernel, layout.FRAME_WORD_ARGUMENTS_START),
    meta: readSpan(kernel, layout.FRAME_WORD_META_START),
    result: readSpan(kernel, layout.FRAME_WORD_RESULT_START),
    failure: readSpan(kernel, layout.FRAME_WORD_FAILURE_START),
  };
}

function readSpan(kernel: Kernel, word: number): Span | undefined {
  const end = kernel.frame(word + 1);
  return end === 0 ? undefined : { start: kernel.frame(word), end };
}

function readName(kernel: Kernel): string | undefined {
  if (kernel.frame(layout.FRAME_WORD_METHOD) === layout.METHOD_OTHER) return undefined;
  const size = kernel.frame(layout.FRAME_WORD_NAME_SIZE);
  if (size < 0) return undefined;
  return decoder.decode(kernel.bytes.subarray(kernel.nameAt, kernel.nameAt + size));
}

/** Text of the raw string span whose start is in `word`, without its escapes. */
function decodeSpan(kernel: Kernel, word: number): string {
  const start = kernel.frame(word);
  const end = kernel.frame(word + 1);
  const raw = kernel.bytes.subarray(kernel.inputAt + start, kernel.inputAt + end);
  if (!raw.includes(0x5c)) return decoder.decode(raw);
  const size = kernel.exports.decodeSpan(start, end);
  return decoder.decode(kernel.bytes.subarray(kernel.canonicalAt, kernel.canonicalAt + size));
}

function readId(kernel: Kernel): MessageId | undefined {
  const type = kernel.frame(layout.FRAME_WORD_ID_TYPE);
  const start = kernel.frame(layout.FRAME_WORD_ID_START);
  const end = kernel.frame(layout.FRAME_WORD_ID_END);
  const span = { start, end };
  if (type === layout.ID_NULL) return { key: "null", span };
  const raw = kernel.bytes.subarray(kernel.inputAt + start, kernel.inputAt + end);
  if (type === layout.ID_INTEGER) return { key: `n:${Number(decoder.decode(raw))}`, span };
  if (type !== layout.ID_STRING) return undefined;
  const size = kernel.exports.decodeSpan(start + 1, end - 1);
  const text = kernel.bytes.subarray(kernel.canonicalAt, kernel.canonicalAt + size);
  return { key: `s:${decoder.decode(text)}`, span };
}
