// What a mock server can be told to do wrong: plain data, so that it fits on a command line.
import type { ItemKind } from "../catalog/types.ts";

/** Changes of one tool definition. All but `key-order` are drift. */
export const TOOL_DRIFTS = [
  "name",
  "description",
  "title",
  "annotations",
  "icons",
  "_meta",
  "output-schema",
  "unknown-member",
  "null-member",
  "empty-member",
  "field-boundary",
  "key-order",
  "rename-parameter",
  "deep-schema",
  "schema-additional-properties",
  "schema-default",
  "schema-defs",
  "schema-enum",
  "schema-items",
  "schema-pattern",
  "schema-required",
] as const;

/** Changes of what is not a tool. */
export const OTHER_DRIFTS = ["instructions", "prompt", "resource", "resource_template"] as const;

export type ToolDrift = (typeof TOOL_DRIFTS)[number];
export type MockDrift = ToolDrift | (typeof OTHER_DRIFTS)[number];

/** Byte-level faults of the target's definition; `bom` puts U+FEFF before the whole line. */
export const MALFORMS = [
  "duplicate-member",
  "duplicate-nested-member",
  "case-variant-member",
  "proto-member",
  "lone-surrogate",
  "control-character",
  "big-integer",
  "negative-zero",
  "overflow-number",
  "number-spelling",
  "white-space",
  "deep",
  "invalid-utf8",
  "bom",
] as const;

export type Malform = (typeof MALFORMS)[number];

/** Requests of the legacy eras that go from the server to the client. */
export const SERVER_REQUESTS = [
  "sampling/createMessage",
  "elicitation/create",
  "roots/list",
] as const;

export type ServerRequest = (typeof SERVER_REQUESTS)[number];

/** When the switches of the other groups apply. */
export interface TimingSwitches {
  /**
   * Honest listings before the listing switches apply, default 0. Counted per kind of item, by
   * requests without a cursor; for `drift: "instructions"` by initialize and server/discover.
   */
  readonly after?: number;
  /** The listing switches apply to listing `after` alone: A, B, A. */
  readonly flicker?: boolean;
  /** The method whose requests set off the message switches, default `tools/call`. */
  readonly on?: string;
  /** How many such requests set them off, default 1. */
  readonly times?: number;
  /** The item that drifts or is malformed, by name or URI; default the first of its kind. */
  readonly target?: string;
}

/** What goes wrong in listings. */
export interface ListingSwitches {
  readonly drift?: MockDrift;
  /** An item nobody reviewed: after the others, or alone on a page of its own. */
  readonly smuggle?: "last" | "page-2";
  /** Default `tool`. */
  readonly smuggleKind?: ItemKind;
  /** Name or URI of that item, default `export_secrets`. */
  readonly smuggleName?: string;
  /** A second, drifted definition of the target. */
  readonly duplicate?: "one-page" | "two-pages";
  readonly malform?: Malform;
  /** Nesting of `malform: "deep"`, the definition's own brace included. Default 10 000. */
  readonly malformDepth?: number;
  /** Generated tools added to every listing. */
  readonly fillerTools?: number;
  /** Items on a page; default all on one. */
  readonly pageSize?: number;
  /** `endless` and `repeated` go on with empty pages; `empty-string` makes the first cursor "". */
  readonly cursors?: "endless" | "repeated" | "empty-string";
  readonly list?: "refused" | "unanswered";
  readonly listDelayMs?: number;
}

/** What goes wrong in messages; set off by requests of method `on`. */
export interface MessageSwitches {
  /** A number id is answered as a string and the other way round. */
  readonly wrongIdType?: boolean;
  /** An answer to a request that was never sent precedes the true one. */
  readonly strayAnswer?: boolean;
  /** The id of that answer, default `never-sent`. */
  readonly strayAnswerId?: string | number;
  /** A second answer, with other content, follows the true one. */
  readonly secondAnswer?: boolean;
  /** A tools/list result with a smuggled tool that answers nothing. */
  readonly unsolicitedList?: boolean;
  /** A `tools` array with a smuggled tool inside the result itself. */
  readonly toolsInResult?: boolean;
  /** A request to the client; the true answer does not wait for its answer. */
  readonly serverRequest?: ServerRequest;
  /** The id of that request, default `mock-1`. */
  readonly serverRequestId?: string | number;
  readonly elicitationMessage?: string;
  /** This many notifications/tools/list_changed after the answer. */
  readonly listChanged?: number;
  /** A line that is no JSON: before the answer, or in place of it. */
  readonly unparsable?: "line" | "answer";
  /** A notification of exactly this many bytes before the answer, line end excluded. */
  readonly giantNotificationBytes?: number;
  /** The answer is padded to exactly this many bytes, line end excluded. */
  readonly giantAnswerBytes?: number;
  /** A raw 0x0D in the answer: as white space, or before a second message on the same line. */
  readonly loneCr?: "inside" | "between";
}

/** How tools/call behaves. */
export interface CallSwitches {
  /** The result's text is the raw text of `params.arguments` (empty when absent). */
  readonly callEcho?: boolean;
  /** The result's text. */
  readonly resultText?: string;
  readonly callDelayMs?: number;
  /** Progress notifications before the result, when the request has a progressToken. */
  readonly progress?: number;
  /** Tools that are in no listing are called all the same. */
  readonly answerUnlisted?: boolean;
  /** Modern: the first try is answered `input_required` with this request inside. */
  readonly inputRequired?: ServerRequest;
  /** The key of that request, default `mock-input`. */
  readonly inputRequestKey?: string;
  /** Legacy task-augmented calls (`params.task`), with the four tasks methods. */
  readonly tasks?: boolean;
  /** Member names and methods match under simple case folding, as some readers do. */
  readonly foldCase?: boolean;
  /** Which of two equal members of `params` is believed, default `last`. */
  readonly duplicates?: "first" | "last";
}

/** Bytes and process. */
export interface HostSwitches {
  readonly lineEnd?: "lf" | "crlf";
  /** `joined`: two or more messages in a chunk. `split`: each line cut inside a character. */
  readonly chunks?: "joined" | "split";
  /** Incoming lines end at a lone 0x0D as well. */
  readonly splitOnCr?: boolean;
  /** Exit code when `exitAfterMessages` messages have come in and been answered; default 1. */
  readonly exitCode?: number;
  readonly exitAfterMessages?: number;
  readonly ignoreSigterm?: boolean;
  readonly stayAfterEof?: boolean;
  /** Written to stderr at start and with every message. */
  readonly stderrText?: string;
  /** File the process appends its log to; `readMockLog` reads it. */
  readonly logFile?: string;
  /** Modern: `ttlMs` of results, default 60 000. */
  readonly ttlMs?: number;
  /** Modern: default `public`. */
  readonly cacheScope?: "public" | "private";
}

export type MockSwitches = TimingSwitches &
  ListingSwitches &
  MessageSwitches &
  CallSwitches &
  HostSwitches;
