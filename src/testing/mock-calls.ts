// tools/call and the legacy tasks made of it.
import type { JsonObject } from "./mock-json.ts";
import { isJsonObject, objectOr, parseJson, rawMember } from "./mock-json.ts";
import { isChanged, listedTools, smuggledTool } from "./mock-listing.ts";
import type { Answer, MockRequest, MockState } from "./mock-state.ts";
import { failure, success } from "./mock-state.ts";
import type { ServerRequest } from "./mock-switches.ts";

/** Marks every text a guard must keep from the client: spoofed answers, requests and messages. */
export const SPOOF_TEXT = "portcullis-mock-spoof";

const TASK_TTL_MS = 60_000;
// WHY: a fixed instant, so that two runs of one mock answer the same bytes
const TASK_TIME = "2026-11-20T00:00:00Z";

/** Member of `params` as this server reads it, with its switches for duplicates and case. */
export function readParam(state: MockState, request: MockRequest, name: string): unknown {
  const { duplicates, foldCase } = state.options;
  if (duplicates === "first") {
    const raw = rawMember(request.text, ["params", name], "first");
    return raw === undefined ? undefined : parseJson(raw);
  }
  return memberOf(request.params, name, foldCase === true);
}

/** A member by name; with `isFolding` the last one whose name is equal when case is folded. */
export function memberOf(object: JsonObject, name: string, isFolding: boolean): unknown {
  if (!isFolding) return object[name];
  const key = Object.keys(object).findLast((candidate) => foldCaseOf(candidate) === name);
  return key === undefined ? undefined : object[key];
}

/** Simple case folding of the letters that fold into ASCII. */
export function foldCaseOf(text: string): string {
  return text.toLowerCase().replaceAll("\u017f", "s");
}

/** Notes a call: every tools/call that arrives counts, whatever becomes of it. */
export function recordCall(state: MockState, request: MockRequest): void {
  const name = readParam(state, request, "name");
  const args = readParam(state, request, "arguments");
  state.calls.push({
    name: typeof name === "string" ? name : (JSON.stringify(name) ?? ""),
    arguments: isJsonObject(args) ? args : undefined,
  });
}

/** Answers a tools/call that `recordCall` has noted. */
export function answerCall(state: MockState, request: MockRequest): Answer {
  const { options } = state;
  const name = readParam(state, request, "name");
  const tool = callable(state, name);
  if (tool === undefined && options.answerUnlisted !== true) {
    const text = `Unknown tool: ${String(name)}`;
    if (request.isModern) return failure(-32602, text);
    return success({ content: [{ type: "text", text }], isError: true });
  }
  if (request.isModern && options.inputRequired !== undefined) {
    const asked = askForInput(state, request, options.inputRequired);
    if (asked !== undefined) return asked;
  }
  const text = resultText(state, request, String(name));
  const result: JsonObject = {
    content: [{ type: "text", text }],
    ...(isJsonObject(tool?.["outputSchema"]) && { structuredContent: { text } }),
  };
  if (options.tasks === true && isJsonObject(request.params["task"])) {
    return success({ task: createTask(state, result) });
  }
  const delayMs = options.callDelayMs ?? 0;
  return { kind: "result", members: result, delayMs };
}

/** Parameters of a request from the server to the client. */
export function serverRequestParams(
  method: ServerRequest,
  message: string | undefined,
): JsonObject {
  const text = message ?? SPOOF_TEXT;
  switch (method) {
    case "sampling/createMessage":
      return { messages: [{ role: "user", content: { type: "text", text } }], maxTokens: 16 };
    case "elicitation/create":
      return {
        message: text,
        requestedSchema: {
          type: "object",
          properties: { approve: { type: "boolean", title: "Approve" } },
          required: ["approve"],
        },
      };
    case "roots/list":
      return {};
  }
}

/** Answers tasks/get, tasks/result, tasks/list and tasks/cancel. */
export function answerTask(state: MockState, request: MockRequest): Answer {
  if (request.method === "tasks/list") {
    return success({ tasks: [...state.tasks.keys()].map((id) => taskObject(id, "completed")) });
  }
  const id = request.params["taskId"];
  const result = typeof id === "string" ? state.tasks.get(id) : undefined;
  if (typeof id !== "string" || result === undefined) return failure(-32602, "unknown task");
  if (request.method === "tasks/get") return success(taskObject(id, "completed"));
  if (request.method === "tasks/cancel") {
    state.tasks.delete(id);
    return success(taskObject(id, "cancelled"));
  }
  const related = { "io.modelcontextprotocol/related-task": { taskId: id } };
  return success({ ...result, _meta: related });
}

function callable(state: MockState, name: unknown): JsonObject | undefined {
  const { options } = state;
  const latest = Math.max((state.listings.get("tool") ?? 0) - 1, 0);
  const found = listedTools(state, latest).find((tool) => tool["name"] === name);
  if (found !== undefined) return found;
  const raw = (options.rawTools ?? []).map((text) => objectOr(parseJson(text)));
  const smuggles = options.unsolicitedList === true || options.toolsInResult === true;
  const hidden = smuggles || (options.smuggle !== undefined && isChanged(options, latest));
  return [...raw, ...(hidden ? [smuggledTool(options)] : [])].find((tool) => tool["name"] === name);
}

function resultText(state: MockState, request: MockRequest, name: string): string {
  const { options } = state;
  if (options.callEcho === true) {
    const which = options.duplicates ?? "last";
    return rawMember(request.text, ["params", "arguments"], which) ?? "";
  }
  return options.resultText ?? `${name} is done`;
}

/** `input_required` on the first try; an error when the retry does not bring the state back. */
function askForInput(
  state: MockState,
  request: MockRequest,
  method: ServerRequest,
): Answer | undefined {
  const key = state.options.inputRequestKey ?? "mock-input";
  const requestState = `mock-state:${key}`;
  const responses = request.params["inputResponses"];
  if (responses === undefined) {
    const params = serverRequestParams(method, state.options.elicitationMessage);
    return success({
      resultType: "input_required",
      inputRequests: { [key]: { method, params } },
      requestState,
    });
  }
  const isSame = request.params["requestState"] === requestState;
  if (!isSame || objectOr(responses)[key] === undefined) {
    return failure(-32602, "the retry does not hold the request state and the asked input");
  }
  return undefined;
}

function createTask(state: MockState, result: JsonObject): JsonObject {
  const id = `mock-task-${state.tasks.size + 1}`;
  state.tasks.set(id, result);
  return taskObject(id, "working");
}

function taskObject(taskId: string, status: string): JsonObject {
  return {
    taskId,
    status,
    ttl: TASK_TTL_MS,
    createdAt: TASK_TIME,
    lastUpdatedAt: TASK_TIME,
    pollInterval: 10,
  };
}
