// A real MCP server (SDK 2, both eras, sessions in the legacy one) whose tool `hold` answers when the test
// says so, and which counts what is open at it.
import { randomUUID } from "node:crypto";
import {
  createMcpHandler,
  isLegacyRequest,
  McpServer,
  WebStandardStreamableHTTPServerTransport,
} from "@modelcontextprotocol/server";
import { z } from "zod";
import type { RequestHandler } from "../../src/http/node-server.ts";

interface Session {
  readonly server: McpServer;
  readonly transport: WebStandardStreamableHTTPServerTransport;
}

/** A call of `hold` that waits. */
interface Held {
  readonly release: () => void;
}

export class HeldServer {
  /** Calls of `hold` that are open at this moment, by their number. */
  readonly held = new Map<number, Held>();
  /** General streams that are open at this moment, by the mark of their session. */
  readonly listening = new Set<string>();
  /** Sessions by the mark that their client named itself with. */
  readonly #sessions = new Map<string, Session>();
  readonly #byId = new Map<string, Session>();
  /** Calls of `hold` that nobody waited for any more, and streams that their reader has closed. */
  closed = 0;
  readonly #modern = createMcpHandler(() => this.#make(), { legacy: "reject" });

  /** Answers one request. */
  readonly handle: RequestHandler = async (request) =>
    (await isLegacyRequest(request)) ? await this.#legacy(request) : this.#modern.fetch(request);

  get sessionCount(): number {
    return this.#byId.size;
  }

  /** Answers the call of `hold` with this number: one more progress, then the result. */
  release(number: number): void {
    this.held.get(number)?.release();
  }

  /** Says something on the general stream of one session. */
  async tell(mark: string): Promise<void> {
    const session = this.#sessions.get(mark);
    await session?.server.server.sendLoggingMessage({ level: "info", data: `for ${mark}` });
  }

  #make(): McpServer {
    const server = new McpServer(
      { name: "held", version: "1.0.0" },
      { capabilities: { logging: {} } },
    );
    const numbers = z.object({ a: z.number(), b: z.number() });
    server.registerTool(
      "add",
      { description: "Adds two numbers", inputSchema: numbers },
      ({ a, b }) => ({ content: [{ type: "text", text: String(a + b) }] }),
    );
    server.registerTool(
      "hold",
      { description: "Answers later", inputSchema: z.object({ number: z.number() }) },
      async ({ number }, { mcpReq }) => {
        const progressToken = mcpReq._meta?.progressToken ?? "none";
        const say = (progress: number): Promise<void> =>
          mcpReq.notify({
            method: "notifications/progress",
            params: { progressToken, progress, message: `${progress} of ${number}` },
          });
        await say(1);
        const isReleased = await this.#hold(number, mcpReq.signal);
        if (isReleased) await say(2);
        return { content: [{ type: "text", text: `held ${number}` }] };
      },
    );
    return server;
  }

  /** False when nobody waits any more. */
  #hold(number: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (isReleased: boolean): void => {
        this.held.delete(number);
        if (!isReleased) this.closed += 1;
        resolve(isReleased);
      };
      this.held.set(number, { release: () => settle(true) });
      signal.addEventListener("abort", () => this.held.has(number) && settle(false));
    });
  }

  async #legacy(request: Request): Promise<Response> {
    const id = request.headers.get("mcp-session-id");
    if (id === null) return await this.#open(request);
    const session = this.#byId.get(id);
    if (session === undefined) return new Response(null, { status: 404 });
    const response = await session.transport.handleRequest(request);
    if (request.method === "GET" && response.ok) this.#listens(session, request.signal);
    return response;
  }

  async #open(request: Request): Promise<Response> {
    const server = this.#make();
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => {
        this.#byId.set(id, { server, transport });
      },
      onsessionclosed: (id) => {
        // its streams end without an abort
        this.listening.delete(markOf(server));
        this.#byId.delete(id);
      },
    });
    await server.connect(transport);
    server.server.oninitialized = () => {
      this.#sessions.set(markOf(server), { server, transport });
    };
    return await transport.handleRequest(request);
  }

  #listens({ server }: Session, signal: AbortSignal): void {
    const mark = markOf(server);
    this.listening.add(mark);
    signal.addEventListener("abort", () => {
      this.listening.delete(mark);
      this.closed += 1;
    });
  }
}

function markOf(server: McpServer): string {
  return server.server.getClientVersion()?.name ?? "";
}
