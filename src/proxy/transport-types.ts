// The transports of the MCP SDKs by shape, versions 1 and 2: nothing here imports an SDK.
import type { AuditSink } from "../audit/event.ts";

/** What every client transport has; messages are JSON values. */
export interface McpTransport {
  start(): Promise<void>;
  send(message: never, options?: never): Promise<void>;
  close(): Promise<void>;
}

/**
 * Members that a transport may have beside those, and that pass through a guard as they are: what a
 * client looks at or sets, none of which carries a message.
 *
 * WHY: a list, and no copy of whatever is there: what is not on it could be a way around the guard.
 */
export const FORWARDED_MEMBERS: readonly ForwardedMember[] = [
  ...(["sessionId", "protocolVersion", "hasPerRequestStream", "stderr", "pid"] as const),
  ...(["setProtocolVersion", "setSupportedProtocolVersions"] as const),
  ...(["terminateSession", "finishAuth", "resumeStream"] as const),
];

type OwnMember = "start" | "send" | "close" | "onclose" | "onerror" | "onmessage";
type ForwardedMember =
  | "sessionId"
  | "protocolVersion"
  | "hasPerRequestStream"
  | "stderr"
  | "pid"
  | "setProtocolVersion"
  | "setSupportedProtocolVersions"
  | "terminateSession"
  | "finishAuth"
  | "resumeStream";

/** A transport behind a guard: the same members, and where its records go. */
export type GuardedTransportOf<T> = Pick<T, Extract<keyof T, OwnMember | ForwardedMember>> & {
  /** `undefined` when the host wants none. */
  readonly audit: AuditSink | undefined;
};

/** A JSON-RPC message as an SDK has parsed it, or is about to write it. */
export type JsonRpcMessage = Readonly<Record<string, unknown>>;

export type Receive = ((message: unknown, extra?: unknown) => void) | undefined;

/** A transport as the guard handles it: members are asked for when they are needed. */
export interface InnerTransport {
  start(): Promise<void>;
  send(message: JsonRpcMessage, options?: object): Promise<void>;
  close(): Promise<void>;
  onmessage?: Receive;
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
}
