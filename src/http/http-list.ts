// Lists what a server behind a URL offers, for pinning.
import { LIMIT_MESSAGE_HTTP_BYTES } from "../abi/limits.ts";
import type { FramedLine } from "../proxy/framing.ts";
import {
  type ListServerOptions,
  type LiveManifest,
  listServer,
  type ServerLines,
} from "../proxy/manifest-client.ts";
import { type Fetch, runtimeFetch } from "./guarded-fetch.ts";
import { HttpLink } from "./http-link.ts";
import { frameOf, onOneLine } from "./line-breaks.ts";
import type { LinkEvents } from "./link.ts";
import { headOf } from "./message-head.ts";

export interface ListHttpOptions extends ListServerOptions {
  readonly serverId: string;
  readonly url: URL;
  /** The server's credentials: header -> value. */
  readonly credentials?: ReadonlyMap<string, string> | undefined;
  /** Default: that of the runtime. */
  readonly fetch?: Fetch | undefined;
}

/**
 * As `listServer`, for a URL.
 *
 * @throws {GuardError} SERVER_START when it cannot be reached; SERVER_PROTOCOL
 */
export async function listHttpServer(options: ListHttpOptions): Promise<LiveManifest> {
  const { lines, close } = linesTo(options);
  try {
    return await listServer(lines, options);
  } finally {
    await close();
  }
}

interface HttpLines {
  readonly lines: ServerLines;
  readonly close: () => Promise<void>;
}

function linesTo(options: ListHttpOptions): HttpLines {
  const { serverId, url, credentials = new Map(), fetch = runtimeFetch } = options;
  let onLine: ((line: FramedLine) => void) | undefined;
  let onEnd: ((detail: string) => void) | undefined;
  const open = new Set<string>();
  const events: LinkEvents = {
    message: (text) => {
      const line = onOneLine(text);
      const head = headOf(line);
      if (head?.kind === "response") open.delete(head.key);
      onLine?.({ kind: "line", frame: frameOf(line) });
    },
    oversized: (line) => onLine?.(line),
    settled: (key, detail) => {
      if (open.delete(key)) onEnd?.(detail);
    },
    paused: (key) => {
      if (open.delete(key)) onEnd?.(`server ${serverId} has ended its stream without an answer`);
    },
    streamEnded: () => undefined,
    lost: () => onEnd?.(`server ${serverId} does not know the session any more`),
    ended: (detail) => onEnd?.(detail),
    room: () => Promise.resolve(),
    dropped: () => undefined,
  };
  const messageSizeMax = LIMIT_MESSAGE_HTTP_BYTES;
  const link = new HttpLink(
    { serverId, url, era: "legacy", credentials, fetch, messageSizeMax },
    events,
  );
  const send = (frame: Uint8Array): void => {
    const body = frame.slice(0, -1);
    const head = headOf(body);
    const key = head?.kind === "request" ? head.key : undefined;
    const message = { body, key, exchange: undefined, forwarded: new Map() };
    if (key === undefined) {
      void link.tell(message);
      return;
    }
    open.add(key);
    link.request(message);
  };
  return {
    lines: {
      send,
      onLine: (listener) => {
        onLine = listener;
      },
      onEnd: (listener) => {
        onEnd = listener;
      },
    },
    close: async () => {
      await link.end();
      link.close();
    },
  };
}
