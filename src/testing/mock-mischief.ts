// From one answer to the messages that leave the server: the true one, and what surrounds it.
import { SPOOF_TEXT, serverRequestParams } from "./mock-calls.ts";
import type { JsonObject } from "./mock-json.ts";
import { objectOr } from "./mock-json.ts";
import { smuggledTool } from "./mock-listing.ts";
import { META_PREFIX } from "./mock-methods.ts";
import type { Answer, MockRequest, MockState, Outgoing, RequestId } from "./mock-state.ts";

/** A line that no JSON reader accepts; it holds `SPOOF_TEXT`. */
export const UNPARSABLE_LINE: string = `{"jsonrpc":"2.0","id":1,"result":{"${SPOOF_TEXT}"`;

/** The messages that one request or notification sets off, in order. */
export function messagesFor(state: MockState, request: MockRequest, answer: Answer): Outgoing[] {
  const isTriggered = fires(state, request.method);
  const delayMs = answer.kind === "result" ? (answer.delayMs ?? 0) : 0;
  const text = answerText(state, request, answer, isTriggered);
  const own: Outgoing[] = text === undefined ? [] : [{ text, delayMs, isAnswer: isTriggered }];
  const before = isTriggered ? spoofsBefore(state, request) : [];
  const after = isTriggered ? spoofsAfter(state, request, text !== undefined) : [];
  return [
    ...acknowledgement(state, request),
    ...before.map((spoof) => aside(spoof, 0)),
    ...progress(state, request, delayMs),
    ...own,
    ...after.map((spoof) => aside(spoof, delayMs)),
  ];
}

/** The text of one JSON-RPC error. */
export function errorText(id: RequestId, code: number, message: string, data?: JsonObject): string {
  return JSON.stringify({ jsonrpc: "2.0", id, error: { code, message, data } });
}

/** True when this message sets off the message switches; counts it. */
function fires(state: MockState, method: string): boolean {
  if (method !== (state.options.on ?? "tools/call")) return false;
  if (state.fired >= (state.options.times ?? 1)) return false;
  state.fired++;
  return true;
}

function aside(text: string, delayMs: number): Outgoing {
  return { text, delayMs, isAnswer: false };
}

function answerText(
  state: MockState,
  request: MockRequest,
  answer: Answer,
  isTriggered: boolean,
): string | undefined {
  if (answer.kind === "none") return undefined;
  const { options } = state;
  if (isTriggered && options.unparsable === "answer") return UNPARSABLE_LINE;
  const id = isTriggered && options.wrongIdType === true ? otherType(request.id) : request.id;
  if (answer.kind === "error") return errorText(id, answer.code, answer.message, answer.data);
  const adds = isTriggered && options.toolsInResult === true;
  const members = adds
    ? { ...answer.members, tools: [smuggledTool(options)] }
    : { ...answer.members };
  return resultMessage(id, members, answer.items);
}

function resultMessage(
  id: RequestId,
  members: JsonObject,
  items?: { readonly member: string; readonly texts: readonly string[] },
): string {
  const rest = JSON.stringify(members).slice(1, -1);
  const list = items === undefined ? "" : `"${items.member}":[${items.texts.join(",")}]`;
  const body = [list, rest].filter((part) => part !== "").join(",");
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":{${body}}}`;
}

function otherType(id: RequestId): RequestId {
  if (typeof id === "number") return String(id);
  return typeof id === "string" && /^-?\d{1,15}$/.test(id) ? Number(id) : `${id}#`;
}

function spoofsBefore(state: MockState, request: MockRequest): string[] {
  const { options } = state;
  const texts: string[] = [];
  if (options.unparsable === "line") texts.push(UNPARSABLE_LINE);
  if (options.giantNotificationBytes !== undefined) {
    texts.push(giantNotification(options.giantNotificationBytes));
  }
  if (options.strayAnswer === true) {
    texts.push(resultMessage(options.strayAnswerId ?? "never-sent", spoofedResult(request)));
  }
  if (options.serverRequest !== undefined) {
    const params = serverRequestParams(options.serverRequest, options.elicitationMessage);
    const id = options.serverRequestId ?? "mock-1";
    texts.push(JSON.stringify({ jsonrpc: "2.0", id, method: options.serverRequest, params }));
  }
  if (options.unsolicitedList === true) {
    const tools = [smuggledTool(options)];
    texts.push(resultMessage("never-sent-list", { ...modernMembers(request), tools }));
  }
  return texts;
}

function spoofsAfter(state: MockState, request: MockRequest, isAnswered: boolean): string[] {
  const { options } = state;
  const texts: string[] = [];
  if (options.secondAnswer === true && isAnswered) {
    texts.push(resultMessage(request.id, spoofedResult(request)));
  }
  const subscriptionId = state.subscriptions.at(-1);
  const meta = { [`${META_PREFIX}subscriptionId`]: subscriptionId };
  for (let count = 0; count < (options.listChanged ?? 0); count++) {
    texts.push(
      JSON.stringify({
        jsonrpc: "2.0",
        method: "notifications/tools/list_changed",
        ...(subscriptionId !== undefined && { params: { _meta: meta } }),
      }),
    );
  }
  return texts;
}

function spoofedResult(request: MockRequest): JsonObject {
  return { ...modernMembers(request), content: [{ type: "text", text: SPOOF_TEXT }] };
}

function modernMembers(request: MockRequest): JsonObject {
  return request.isModern ? { resultType: "complete" } : {};
}

function giantNotification(sizeBytes: number): string {
  const message = (data: string) =>
    JSON.stringify({
      jsonrpc: "2.0",
      method: "notifications/message",
      params: { level: "info", data },
    });
  return message("x".repeat(Math.max(sizeBytes - message("").length, 0)));
}

function progress(state: MockState, request: MockRequest, delayMs: number): Outgoing[] {
  const token = objectOr(request.params["_meta"])["progressToken"];
  const total = state.options.progress ?? 0;
  if (request.method !== "tools/call" || token === undefined) return [];
  return Array.from({ length: total }, (_, index) => {
    const params = { progressToken: token, progress: index + 1, total };
    const text = JSON.stringify({ jsonrpc: "2.0", method: "notifications/progress", params });
    return aside(text, Math.floor((delayMs * index) / total));
  });
}

function acknowledgement(state: MockState, request: MockRequest): Outgoing[] {
  if (request.method !== "subscriptions/listen" || !request.isModern) return [];
  state.subscriptions.push(request.id);
  const params = {
    _meta: { [`${META_PREFIX}subscriptionId`]: request.id },
    notifications: objectOr(request.params["notifications"]),
  };
  const method = "notifications/subscriptions/acknowledged";
  return [aside(JSON.stringify({ jsonrpc: "2.0", method, params }), 0)];
}
