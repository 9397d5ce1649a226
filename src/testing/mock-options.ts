// Everything a mock server is made from, and the strict reader of its JSON form.
import { GuardError, quote } from "../errors.ts";
import type { JsonObject } from "./mock-json.ts";
import { isJsonObject, parseJson } from "./mock-json.ts";
import type { MockSwitches } from "./mock-switches.ts";
import { MALFORMS, OTHER_DRIFTS, SERVER_REQUESTS, TOOL_DRIFTS } from "./mock-switches.ts";

export interface ToolDefinition extends JsonObject {
  readonly name: string;
  readonly inputSchema: JsonObject;
}

export interface PromptDefinition extends JsonObject {
  readonly name: string;
}

export interface ResourceDefinition extends JsonObject {
  readonly uri: string;
  readonly name: string;
}

export interface ResourceTemplateDefinition extends JsonObject {
  readonly uriTemplate: string;
  readonly name: string;
}

/** What an honest server offers. */
export interface MockOffer {
  /** Default `FIXTURE_TOOLS`. */
  readonly tools?: readonly ToolDefinition[];
  /** JSON texts of further tools, sent byte for byte after the others. */
  readonly rawTools?: readonly string[];
  readonly prompts?: readonly PromptDefinition[];
  readonly resources?: readonly ResourceDefinition[];
  readonly resourceTemplates?: readonly ResourceTemplateDefinition[];
  readonly instructions?: string;
  readonly serverInfo?: JsonObject;
  /** Default: what the offer and the switches need. */
  readonly capabilities?: JsonObject;
  /** Protocol eras it speaks, default `both`. */
  readonly era?: "legacy" | "modern" | "both";
}

export type MockOptions = MockOffer & MockSwitches;

type Check = (value: unknown) => boolean;

const isBoolean: Check = (value) => typeof value === "boolean";
const isText: Check = (value) => typeof value === "string";
const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const isPositive: Check = (value) => Number.isSafeInteger(value) && Number(value) > 0;
const isId: Check = (value) => isText(value) || Number.isSafeInteger(value);
const oneOf =
  (...names: readonly string[]): Check =>
  (value) =>
    typeof value === "string" && names.includes(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const withText =
  (...names: readonly string[]): Check =>
  (value) =>
    isJsonObject(value) && names.every((name) => typeof value[name] === "string");

const isTool: Check = (value) => isJsonObject(value) && isJsonObject(value["inputSchema"]);
const isNamedTool: Check = (value) => isTool(value) && withText("name")(value);

const CHECKS: Readonly<Record<keyof MockOptions, Check>> = {
  tools: listOf(isNamedTool),
  rawTools: listOf(isText),
  prompts: listOf(withText("name")),
  resources: listOf(withText("uri", "name")),
  resourceTemplates: listOf(withText("uriTemplate", "name")),
  instructions: isText,
  serverInfo: isJsonObject,
  capabilities: isJsonObject,
  era: oneOf("legacy", "modern", "both"),
  after: isCount,
  flicker: isBoolean,
  on: isText,
  times: isCount,
  target: isText,
  drift: oneOf(...TOOL_DRIFTS, ...OTHER_DRIFTS),
  smuggle: oneOf("last", "page-2"),
  smuggleKind: oneOf("tool", "prompt", "resource", "resource_template"),
  smuggleName: isText,
  duplicate: oneOf("one-page", "two-pages"),
  malform: oneOf(...MALFORMS),
  malformDepth: isPositive,
  fillerTools: isCount,
  pageSize: isPositive,
  cursors: oneOf("endless", "repeated", "empty-string"),
  list: oneOf("refused", "unanswered"),
  listDelayMs: isCount,
  wrongIdType: isBoolean,
  strayAnswer: isBoolean,
  strayAnswerId: isId,
  secondAnswer: isBoolean,
  unsolicitedList: isBoolean,
  toolsInResult: isBoolean,
  serverRequest: oneOf(...SERVER_REQUESTS),
  serverRequestId: isId,
  elicitationMessage: isText,
  listChanged: isCount,
  unparsable: oneOf("line", "answer"),
  giantNotificationBytes: isPositive,
  giantAnswerBytes: isPositive,
  loneCr: oneOf("inside", "between"),
  callEcho: isBoolean,
  resultText: isText,
  callDelayMs: isCount,
  progress: isCount,
  answerUnlisted: isBoolean,
  inputRequired: oneOf(...SERVER_REQUESTS),
  inputRequestKey: isText,
  tasks: isBoolean,
  foldCase: isBoolean,
  duplicates: oneOf("first", "last"),
  lineEnd: oneOf("lf", "crlf"),
  chunks: oneOf("joined", "split"),
  splitOnCr: isBoolean,
  exitCode: isCount,
  exitAfterMessages: isPositive,
  ignoreSigterm: isBoolean,
  stayAfterEof: isBoolean,
  stderrText: isText,
  logFile: isText,
  ttlMs: isCount,
  cacheScope: oneOf("public", "private"),
};

const CHECKS_BY_NAME: ReadonlyMap<string, Check> = new Map(Object.entries(CHECKS));

/**
 * Refuses a set of options with an unknown name or a wrong value.
 *
 * A misspelt switch would make a server honest and its test pass for nothing.
 *
 * @throws {GuardError} ARGUMENT_INVALID for an unknown name, or a value its switch does not take.
 */
export function assertMockOptions(value: unknown): asserts value is MockOptions {
  if (!isJsonObject(value)) {
    throw new GuardError("ARGUMENT_INVALID", "expected mock options as a JSON object");
  }
  for (const [name, member] of Object.entries(value)) {
    const check = CHECKS_BY_NAME.get(name);
    if (check === undefined) {
      throw new GuardError("ARGUMENT_INVALID", `expected a mock option, got ${quote(name)}`);
    }
    if (member !== undefined && !check(member)) {
      const got = quote(JSON.stringify(member) ?? typeof member);
      throw new GuardError("ARGUMENT_INVALID", `expected a value of option ${name}, got ${got}`);
    }
  }
}

/**
 * Reads options from their JSON text.
 *
 * @throws {GuardError} ARGUMENT_INVALID as `assertMockOptions`, and for text that is no JSON.
 */
export function parseMockOptions(text: string): MockOptions {
  const value = parseJson(text);
  assertMockOptions(value);
  return value;
}
