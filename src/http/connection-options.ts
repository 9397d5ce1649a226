// What a connection is made of, and what it is given.
import type { GuardSessionOptions, SeenDrift } from "../proxy/session-options.ts";
import type { LinkFactory } from "./link.ts";

export interface ConnectionOptions {
  readonly session: Omit<GuardSessionOptions, "toClient" | "toServer">;
  /** What has drifted of the server before. */
  readonly drift: SeenDrift;
  readonly era: "legacy" | "modern";
  readonly link: LinkFactory;
  /** Headers of the response that opens a session. */
  readonly sessionHeaders: Readonly<Record<string, string>>;
  /** It has ended; with the fault that ended it. */
  readonly onEnd: (fault?: unknown) => void;
}

/** One POST of the client. */
export interface Posted {
  /** Bytes as they came. */
  readonly body: Uint8Array;
  readonly forwarded: ReadonlyMap<string, string>;
  readonly signal: AbortSignal;
}
