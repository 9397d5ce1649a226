// Many requests at once from one process, each on a socket of its own, with what each was told so far.
import { Agent, type ClientRequest, type IncomingMessage, request } from "node:http";
import type { Answer } from "./rig.ts";

export interface RawRequest {
  readonly method: "POST" | "GET" | "DELETE";
  readonly headers?: Readonly<Record<string, string>>;
  readonly message?: object;
}

/** One request and the response to it, as far as that has come. */
export interface RawStream {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  /** Messages that have come, in order. */
  readonly messages: readonly Answer[];
  /** Resolves when the response has ended; rejects when it broke off. */
  readonly ended: Promise<void>;
  /** Closes the socket, as a client that has gone does. */
  readonly destroy: () => void;
}

/** Speaks to one address on as many sockets as it is asked to. */
export class RawClient {
  readonly #url: string;
  readonly #token: string;
  // WHY: no socket is used twice, so that none is used in the moment in which the other side gives it up
  readonly #agent = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY });

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  /** Resolves when the head of the response has come. */
  async open({ method, headers = {}, message }: RawRequest): Promise<RawStream> {
    const sent = request(this.#url, {
      method,
      agent: this.#agent,
      headers: {
        authorization: `Bearer ${this.#token}`,
        accept: method === "GET" ? "text/event-stream" : "application/json, text/event-stream",
        ...(message !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
    });
    sent.end(message === undefined ? undefined : JSON.stringify(message));
    const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
      sent.on("response", resolve);
      sent.on("error", reject);
    });
    return follow(sent, incoming);
  }

  /** Resolves when the response has ended. */
  async ask(asked: RawRequest): Promise<RawStream> {
    const stream = await this.open(asked);
    await stream.ended;
    return stream;
  }

  close(): void {
    this.#agent.destroy();
  }
}

function follow(sent: ClientRequest, incoming: IncomingMessage): RawStream {
  const messages: Answer[] = [];
  const type = incoming.headers["content-type"];
  const isStream = type === "text/event-stream";
  let text = "";
  incoming.setEncoding("utf8");
  incoming.on("data", (part: string) => {
    text += part;
    if (!isStream) return;
    const events = text.split("\n\n");
    text = events.pop() ?? "";
    for (const event of events) {
      const data = /^data: (.+)$/m.exec(event)?.[1];
      if (data !== undefined) messages.push(JSON.parse(data));
    }
  });
  const ended = new Promise<void>((resolve, reject) => {
    incoming.on("end", () => {
      if (type === "application/json") messages.push(JSON.parse(text));
      resolve();
    });
    incoming.on("error", reject);
  });
  // a client that goes before the end has nobody who waits for it
  ended.catch(() => undefined);
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    messages,
    ended,
    destroy: () => sent.destroy(),
  };
}
