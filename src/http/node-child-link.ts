// A stdio server behind the HTTP guard: one child for each connection, lines on its pipes.
import { LIMIT_MESSAGE_HTTP_BYTES } from "../abi/limits.ts";
import type { CatalogServer } from "../catalog/types.ts";
import { LineSplitter } from "../proxy/framing.ts";
import { LIMIT_OUTBOX_BYTES } from "../proxy/limits.ts";
import { type ChildOptions, StdioChild } from "../proxy/stdio-child.ts";
import { Outbox } from "../proxy/stdio-outbox.ts";
import type { Exchange } from "./exchange.ts";
import { frameOf, onOneLine } from "./line-breaks.ts";
import type { Link, LinkEvents, LinkFactory, Outgoing } from "./link.ts";

export interface ChildLinkOptions {
  /** Where the stderr of every child goes. Default `inherit`. */
  readonly stderr?: ChildOptions["stderr"] | undefined;
  /** Bytes of one message of the server. Default 4 MiB. */
  readonly messageSizeMax?: number | undefined;
}

/**
 * Starts a server's command, as the catalog has it, for each connection: when the first message is sent
 * on.
 *
 * @example
 * createGuardHandler({ catalog, auth, startCommand: childLinks() });
 */
export function childLinks(options: ChildLinkOptions = {}): (server: CatalogServer) => LinkFactory {
  const { stderr = "inherit", messageSizeMax = LIMIT_MESSAGE_HTTP_BYTES } = options;
  return ({ id, command = [], env }) =>
    (events) =>
      new ChildLink({ serverId: id, command, env, stderr, messageSizeMax }, events);
}

interface LinkOptions extends ChildOptions {
  readonly serverId: string;
  readonly messageSizeMax: number;
}

class ChildLink implements Link {
  readonly #options: LinkOptions;
  readonly #events: LinkEvents;
  #child: StdioChild | undefined;
  #outbox: Outbox | undefined;
  #early: Uint8Array[] = [];
  #isStarted = false;
  #isClosed = false;

  constructor(options: LinkOptions, events: LinkEvents) {
    this.#options = options;
    this.#events = events;
  }

  request(message: Outgoing): void {
    this.#send(message.body);
  }

  tell(message: Outgoing): Promise<number> {
    this.#send(message.body);
    return Promise.resolve(202);
  }

  /** The answer may be on its way already. */
  abandon(): boolean {
    return false;
  }

  listen(stream: Exchange): void {
    stream.openStream();
  }

  end(): Promise<number> {
    return Promise.resolve(204);
  }

  close(): void {
    this.#isClosed = true;
    this.#outbox?.flush();
    this.#child?.close();
  }

  #send(body: Uint8Array): void {
    // INVARIANT: one message is one line, whatever white space it came with
    const frame = frameOf(onOneLine(body));
    if (this.#outbox === undefined) this.#early.push(frame);
    else this.#outbox.push(frame);
    if (this.#isStarted) return;
    this.#isStarted = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    const { serverId, messageSizeMax } = this.#options;
    try {
      const child = await StdioChild.start(this.#options);
      this.#child = child;
      const outbox = new Outbox(child.stdin);
      this.#outbox = outbox;
      for (const frame of this.#early) outbox.push(frame);
      this.#early = [];
      if (this.#isClosed) child.close();
      const splitter = new LineSplitter(messageSizeMax);
      for await (const chunk of child.stdout) {
        for (const line of splitter.push(chunk)) {
          if (line.kind === "line") this.#events.message(line.frame.subarray(0, -1), undefined);
          else this.#events.oversized(line);
        }
        await outbox.room(LIMIT_OUTBOX_BYTES);
        await this.#events.room();
      }
      await child.exit;
    } catch {
      // it could not be started, or its pipe broke: the end of it
    }
    this.#child?.close();
    if (!this.#isClosed) this.#events.ended(`server ${serverId} has ended`);
  }
}
