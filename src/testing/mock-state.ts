// What one mock server remembers, and the shapes its parts pass to each other.
import type { ItemKind } from "../catalog/types.ts";
import type { JsonObject, JsonValue } from "./mock-json.ts";
import type { MockOptions, ToolDefinition } from "./mock-options.ts";

/** A tools/call that reached the server. */
export interface MockCall {
  readonly name: string;
  readonly arguments: JsonValue | undefined;
}

export interface MockState {
  readonly options: MockOptions;
  readonly tools: readonly ToolDefinition[];
  /** Messages received, by method. */
  readonly counts: Map<string, number>;
  /** Listings begun, by kind. */
  readonly listings: Map<ItemKind, number>;
  /** initialize and server/discover answered. */
  introductions: number;
  /** Messages that set off the message switches. */
  fired: number;
  readonly calls: MockCall[];
  /** Ids of open subscriptions/listen requests. */
  readonly subscriptions: RequestId[];
  /** Results of tasks, by task id. */
  readonly tasks: Map<string, JsonObject>;
}

export type RequestId = string | number | null;

/** One request as the mock understood it. */
export interface MockRequest {
  readonly id: RequestId;
  readonly method: string;
  readonly params: JsonObject;
  /** The raw text of the message. */
  readonly text: string;
  readonly isModern: boolean;
}

/** What a method answers with, before it becomes text. */
export type Answer =
  | {
      readonly kind: "result";
      readonly members: JsonObject;
      /** Definitions as raw texts, first in the result. */
      readonly items?: { readonly member: string; readonly texts: readonly string[] };
      /** Modern: the result carries `ttlMs` and `cacheScope`. */
      readonly isCacheable?: boolean;
      readonly delayMs?: number;
    }
  | {
      readonly kind: "error";
      readonly code: number;
      readonly message: string;
      readonly data?: JsonObject;
    }
  | { readonly kind: "none" };

/** One message to send, as text without a line end. */
export interface Outgoing {
  readonly text: string;
  readonly delayMs: number;
  /** True for the answer to the request; the byte switches of group "message" change only it. */
  readonly isAnswer: boolean;
}

export const NO_ANSWER: Answer = { kind: "none" };

export function failure(code: number, message: string, data?: JsonObject): Answer {
  return { kind: "error", code, message, ...(data !== undefined && { data }) };
}

export function success(members: JsonObject): Answer {
  return { kind: "result", members };
}
