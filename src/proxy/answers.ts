// The wire form of what the guard says itself (50-proxy section 2.2): one file, one line a message.
import { utf8 } from "../bytes.ts";
import { type BlockedCall, blockedMessage } from "../guard/safety-blocked.ts";
import type { Decision } from "../verdict.ts";

/** JSON-RPC error code of a refusal; outside the range JSON-RPC reserves. */
export const REFUSED_CODE = 4403;
/** JSON-RPC 2.0: the text could not be read, and so not its id. */
export const PARSE_ERROR_CODE = -32700;
/** JSON-RPC 2.0: the server is gone. */
export const INTERNAL_ERROR_CODE = -32603;

/** Key of the refusal in the `_meta` of a result. */
export const BLOCKED_META = "portcullis/safety-blocked";

/** What an answer names. */
export interface RefusedCall extends BlockedCall {
  /** Names this refusal in the record and in the answer. */
  readonly traceId: string;
}

function refusalData(decision: Decision, call: RefusedCall): object {
  const { reason, code } = decision;
  const outcome = decision.outcome === "deny" ? "SafetyBlocked" : decision.outcome;
  const { server, tool, traceId } = call;
  return { outcome, reason, code, server, tool: wellFormed(tool), traceId };
}

/** WHY: `JSON.stringify` escapes a lone surrogate, which strict readers refuse. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\ufffd");
}

function frameOf(message: object): Uint8Array {
  return utf8(`${JSON.stringify(message)}\n`);
}

/**
 * A refusal as a JSON-RPC error: no observation for the model to work around.
 *
 * @param id see `idOfKey`
 */
export function refusalError(
  id: string | number | null,
  decision: Decision,
  call: RefusedCall,
): Uint8Array {
  const message = blockedMessage(decision, call);
  const error = { code: REFUSED_CODE, message, data: refusalData(decision, call) };
  return frameOf({ jsonrpc: "2.0", id, error });
}

/** A refusal as a tool result with `isError`, for hosts that need one. */
export function refusalResult(
  id: string | number | null,
  decision: Decision,
  call: RefusedCall,
  isModern: boolean,
): Uint8Array {
  const result = {
    ...(isModern && { resultType: "complete" }),
    content: [{ type: "text", text: blockedMessage(decision, call) }],
    isError: true,
    _meta: { [BLOCKED_META]: refusalData(decision, call) },
  };
  return frameOf({ jsonrpc: "2.0", id, result });
}

/** Any other error. */
export function plainError(id: string | number | null, code: number, message: string): Uint8Array {
  return frameOf({ jsonrpc: "2.0", id, error: { code, message } });
}

/** The guard's own question in place of a result, for a modern client. */
export function inputRequiredResult(
  id: string | number | null,
  asked: { readonly inputRequests: object; readonly requestState: string },
): Uint8Array {
  return frameOf({ jsonrpc: "2.0", id, result: { resultType: "input_required", ...asked } });
}

/** A request of the guard itself. */
export function requestFrame(id: string, method: string, paramsText: string): Uint8Array {
  const head = `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":${JSON.stringify(method)}`;
  return utf8(`${head},"params":${paramsText}}\n`);
}

/** A notification of the guard itself. */
export function notificationFrame(method: string, paramsText: string): Uint8Array {
  const head = `{"jsonrpc":"2.0","method":${JSON.stringify(method)}`;
  return utf8(`${head},"params":${paramsText}}\n`);
}

/** The JSON value of an id key (`MessageId.key`). */
export function idOfKey(key: string): string | number | null {
  if (key.startsWith("s:")) return key.slice(2);
  return key.startsWith("n:") ? Number(key.slice(2)) : null;
}
