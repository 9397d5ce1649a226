// A mock MCP server behind a `fetch` in memory: what it got over HTTP, and answers as JSON or events.
import { concatBytes, utf8 } from "../../src/bytes.ts";
import { type MockOptions, MockMcpServer } from "../../src/testing/index.ts";

/** One request that reached the server. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

export type AnswerForm = "json" | "sse";

/** Gives a response in the place of the mock's; `undefined` leaves it to the mock. */
export type Override = (seen: SeenRequest) => Response | undefined | Promise<Response | undefined>;

export class MockUpstream {
  readonly mock: MockMcpServer;
  readonly seen: SeenRequest[] = [];
  form: AnswerForm = "json";
  override: Override = () => undefined;

  constructor(options: MockOptions) {
    this.mock = new MockMcpServer(options);
  }

  /** Bodies of requests with this method of the protocol. */
  bodies(method: string): string[] {
    return this.seen
      .map(({ body }) => new TextDecoder().decode(body))
      .filter((text) => text.includes(JSON.stringify(method)));
  }

  readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const request = new Request(url, init);
    const body = new Uint8Array(await request.arrayBuffer());
    const seen = { method: request.method, url, headers: request.headers, body };
    this.seen.push(seen);
    const own = await this.override(seen);
    if (own !== undefined) return own;
    if (request.method !== "POST") return new Response(null, { status: 405 });
    const lines = this.mock.respond(body).flatMap(({ chunks }) => chunks);
    if (lines.length === 0) return new Response(null, { status: 202 });
    const messages = new TextDecoder()
      .decode(concatBytes(...lines))
      .trimEnd()
      .split("\n");
    if (this.form === "json" && messages.length === 1) {
      return new Response(messages[0] ?? "", { headers: { "content-type": "application/json" } });
    }
    return eventStream(messages.map((message) => `event: message\ndata: ${message}\n\n`).join(""));
  };
}

/** A response that is a stream of events. */
export function eventStream(text: string | Uint8Array): Response {
  const bytes = typeof text === "string" ? utf8(text) : new Uint8Array(text);
  return new Response(bytes, { headers: { "content-type": "text/event-stream" } });
}
