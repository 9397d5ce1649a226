// The client's end of an in-memory connection to a mock server: the Transport shape of both SDKs.
import { parseJson } from "./mock-json.ts";
import { ChunkWriter, LineReader, type MockOutput } from "./mock-wire.ts";

const decoderLossy = new TextDecoder("utf-8", { ignoreBOM: true });

/** What a transport needs of the server behind it. */
interface Responder {
  respond(line: string | Uint8Array): MockOutput[];
  /** Set once the server has ended. */
  readonly exitCode: number | undefined;
}

/**
 * A transport as an MCP SDK's stdio transport would behave, without a process.
 *
 * What the server writes goes through bytes and lines; a line that is no JSON goes to `onerror`.
 * Large integers and duplicate members are lost here, as in the SDKs, which parse before a
 * wrapper sees anything; `online` sees the lines before.
 */
export class MockTransport {
  onmessage?: ((message: unknown, extra?: unknown) => void) | undefined;
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  /** Sees every line from the server, bytes as they came, before it is parsed. */
  online?: (line: Uint8Array<ArrayBuffer>) => void;
  readonly #server: Responder;
  readonly #reader = new LineReader(false);
  readonly #writer: ChunkWriter;
  #isClosed = false;

  constructor(server: Responder) {
    this.#server = server;
    this.#writer = new ChunkWriter((chunk) => this.#receive(chunk));
  }

  async start(): Promise<void> {}

  /** Sends one message; rejects when the connection is closed. */
  async send(message: unknown): Promise<void> {
    this.sendLine(JSON.stringify(message));
  }

  /** Sends one line byte for byte, as a client with its own JSON writer would. */
  sendLine(line: string): void {
    if (this.#isClosed) throw new Error("the mock connection is closed");
    this.#writer.send(this.#server.respond(line));
    if (this.#server.exitCode !== undefined) void this.close();
  }

  /** Ends the connection; answers that are not yet due are dropped. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#writer.stop();
    this.onclose?.();
  }

  #receive(chunk: Uint8Array<ArrayBuffer>): void {
    for (const line of this.#reader.push(chunk)) {
      this.online?.(line);
      const message = parseJson(decoderLossy.decode(line));
      if (message === undefined) {
        this.onerror?.(new Error("the mock server sent a line that is no JSON"));
      } else {
        this.onmessage?.(message);
      }
    }
  }
}
