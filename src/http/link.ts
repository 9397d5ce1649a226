// The way from one connection to its server: HTTP, or the pipes of a child.
import type { FramedLine } from "../proxy/framing.ts";
import type { Exchange } from "./exchange.ts";
import type { SseFields } from "./sse.ts";

/** A message on its way to the server. */
export interface Outgoing {
  /** Without a line feed at the end. */
  readonly body: Uint8Array;
  /** Id key of a request; `undefined` for what has no answer. */
  readonly key: string | undefined;
  /** What the client asked; `undefined` for the guard's own requests. */
  readonly exchange: Exchange | undefined;
  /** Headers of the client's request that go with it. */
  readonly forwarded: ReadonlyMap<string, string>;
}

export interface Link {
  /**
   * Sends a request; its answer, and whatever else comes before, goes to `LinkEvents`.
   */
  request(message: Outgoing): void;
  /** Sends a notification or a response; resolves to the HTTP status that says what came of it. */
  tell(message: Outgoing): Promise<number>;
  /**
   * Nobody waits for the answer to this request any more.
   *
   * @returns true when none can come any more
   */
  abandon(key: string): boolean;
  /** Follows what the server says of its own accord; fills `stream` until one side ends. */
  listen(stream: Exchange): void;
  /** The client has ended the session; resolves to the HTTP status for it. */
  end(): Promise<number>;
  /** Gives back what is open. */
  close(): void;
}

/** What a link tells its connection. */
export interface LinkEvents {
  /**
   * One message of the server.
   *
   * @param from the response that it came in; `undefined` when that is not known
   */
  readonly message: (text: Uint8Array, from: Exchange | undefined, fields?: SseFields) => void;
  /** A message that was too large to be read; what it answers may be known. */
  readonly oversized: (line: FramedLine) => void;
  /** No more answers to this request come. */
  readonly settled: (key: string, detail: string) => void;
  /** The server has ended the response early; the client may ask for the rest of it. */
  readonly paused: (key: string) => void;
  /** The server has ended a stream that `listen` fills. */
  readonly streamEnded: (stream: Exchange) => void;
  /** The server does not know the session any more. */
  readonly lost: () => void;
  /** The server is gone for good. */
  readonly ended: (detail: string) => void;
  /** Resolves when no client has too much to read: a server is not read any further before. */
  readonly room: () => Promise<void>;
  /** Something of the server was left out. */
  readonly dropped: (detail: string) => void;
}

/** Makes the link of a new connection. */
export type LinkFactory = (events: LinkEvents) => Link;
