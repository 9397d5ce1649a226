// The requests of one connection that wait for an answer: the response to each, and what the client sent.
import type { Exchange } from "./exchange.ts";
import type { Taken } from "./origin.ts";

interface OpenRequest {
  readonly exchange: Exchange;
  readonly taken: Taken;
}

export class OpenRequests {
  /** By id key. */
  readonly #byKey = new Map<string, OpenRequest>();

  get count(): number {
    return this.#byKey.size;
  }

  get keys(): readonly string[] {
    return [...this.#byKey.keys()];
  }

  get exchanges(): readonly Exchange[] {
    return [...this.#byKey.values()].map(({ exchange }) => exchange);
  }

  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  open(key: string, exchange: Exchange, taken: Taken): void {
    this.#byKey.set(key, { exchange, taken });
  }

  exchangeOf(key: string | undefined): Exchange | undefined {
    return key === undefined ? undefined : this.#byKey.get(key)?.exchange;
  }

  takenOf(key: string): Taken | undefined {
    return this.#byKey.get(key)?.taken;
  }

  /** The one that has handed out this progress token, as raw JSON. */
  withToken(token: string): Exchange | undefined {
    return this.exchanges.find(({ progressToken }) => progressToken === token);
  }

  /** Nothing waits any more under this id; or only when it is `exchange` that does. */
  forget(key: string, exchange?: Exchange): void {
    if (exchange === undefined || this.exchangeOf(key) === exchange) this.#byKey.delete(key);
  }

  end(): void {
    for (const exchange of this.exchanges) exchange.end();
    this.#byKey.clear();
  }
}
