// What a guarded router knows of the servers behind it: when each was listed, and what it showed.
import type { Clock } from "../clock.ts";
import type { DispatchGuard } from "./dispatch-guard.ts";
import { memberReader } from "./member-reader.ts";
import { type CompleteListing, listAllTools } from "./router-listing.ts";

/** How long a call waits for a listing. */
export const LIST_WAIT_MS = 30_000;
/** Listings that changes may overtake before the server is refused. */
const LIST_TRIES = 3;

interface Listed {
  readonly tools: readonly unknown[];
  /** From then on the listing counts for nothing. */
  readonly untilMs: number;
}

interface ServerState {
  /** How often it was said to have changed. */
  changes: number;
  listing: Promise<Listed | undefined> | undefined;
  /** The finished listing. */
  listed: Listed | undefined;
}

/** Listings of the servers that the guard knows; made-up ids leave nothing behind. */
export class RouterServers {
  readonly #guard: DispatchGuard;
  readonly #pageOf: (server: string, cursor: string | undefined) => unknown;
  readonly #clock: Clock;
  readonly #states = new Map<string, ServerState>();

  constructor(
    guard: DispatchGuard,
    pageOf: (server: string, cursor: string | undefined) => unknown,
    clock: Clock,
  ) {
    this.#guard = guard;
    this.#pageOf = pageOf;
    this.#clock = clock;
  }

  /**
   * Lists and admits a known server unless that has been done and still holds. Never rejects: a
   * server that cannot be listed stays unverified.
   */
  async ensureListed(server: string): Promise<Listed | undefined> {
    if (!this.#guard.knows(server)) return undefined;
    const state = this.#states.get(server) ?? { changes: 0, listing: undefined, listed: undefined };
    this.#states.set(server, state);
    if (state.listed !== undefined && !(this.#clock() < state.listed.untilMs)) this.#forget(server);
    state.listing ??= this.#list(server, state);
    return await state.listing;
  }

  /** The definitions that may be called. */
  async shownTools(server: string): Promise<readonly unknown[]> {
    return (await this.ensureListed(server))?.tools ?? [];
  }

  /** The tools of `server`, or of all, are unverified until they are listed again. */
  changed(server: string | undefined): void {
    const ids = server === undefined ? [...this.#states.keys()] : [server];
    for (const id of ids) this.#forget(id);
  }

  #forget(server: string): void {
    const state = this.#states.get(server);
    if (state === undefined) return;
    state.changes += 1;
    state.listing = undefined;
    state.listed = undefined;
    this.#guard.unverify(server);
  }

  async #list(server: string, state: ServerState): Promise<Listed | undefined> {
    for (let tries = 0; tries < LIST_TRIES; tries++) {
      const changes = state.changes;
      const listing = await this.#readListing(server);
      // a listing that a change has overtaken says nothing
      if (state.changes !== changes) continue;
      if (listing === undefined) break;
      const shown = this.#admit(server, listing);
      if (shown === undefined) break;
      const untilMs = this.#clock() + (listing.ttlMs ?? Number.POSITIVE_INFINITY);
      state.listed = { tools: shown, untilMs };
      return state.listed;
    }
    // the next call tries again
    this.#forget(server);
    return undefined;
  }

  #admit(server: string, listing: CompleteListing): readonly unknown[] | undefined {
    try {
      const names = this.#guard.admit(server, JSON.stringify({ tools: listing.tools }));
      return Object.freeze(listing.tools.filter((tool) => names.has(nameOf(tool))));
    } catch {
      // not a manifest: nothing of it is admitted
      return undefined;
    }
  }

  async #readListing(server: string): Promise<CompleteListing | undefined> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), LIST_WAIT_MS);
    });
    try {
      const pages = listAllTools((cursor) => this.#pageOf(server, cursor));
      return await Promise.race([pages, late]);
    } catch {
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }
}

function nameOf(tool: unknown): string {
  const name = memberReader(tool)?.("name");
  return typeof name === "string" ? name : "";
}
