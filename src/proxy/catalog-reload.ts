// Newer catalogs for a connection that runs (10-catalog section 3): a good one takes over, a bad
// one is refused aloud and the running one stays in force, until its own expiry and no longer.
import type { CatalogChange } from "../catalog/succession.ts";
import type { TrustedCatalog } from "../catalog/trusted.ts";

/** Where newer catalogs come from. */
export interface CatalogUpdates {
  /**
   * Verifies what is there now, exactly as before the start, and remembers what it accepts.
   *
   * @throws {GuardError} CATALOG_*, ROOT_*, STATE_CORRUPT and whatever else keeps a guard from
   *   starting
   */
  readonly open: () => Promise<TrustedCatalog>;
  /**
   * Begins, once the server runs, to call `request` whenever there may be something newer.
   *
   * @returns ends it
   */
  readonly begin: (request: (isAsked: boolean) => void) => () => void;
  /** A fault as a person reads it: its code, and one line. */
  readonly explain: (
    fault: unknown,
  ) => Promise<{ readonly code: string; readonly message: string }>;
  /** Says one line to a person; never on standard output. */
  readonly note: (line: string) => void;
}

/** What a newer catalog is given to: a session, or all of them. */
export interface ReloadTarget {
  readonly catalog: TrustedCatalog;
  replaceCatalog(catalog: TrustedCatalog): CatalogChange;
  recordKept(detail: string): void;
}

export interface CatalogReloadOptions {
  readonly session: ReloadTarget;
  readonly updates: CatalogUpdates;
  /** Runs what changes the session or is recorded; faults of that are the caller's. */
  readonly apply: (run: () => void) => void;
}

/**
 * Verifies one catalog at a time: requests that come meanwhile are one more reload behind it,
 * however many they are.
 */
export class CatalogReload {
  readonly #options: CatalogReloadOptions;
  #isWanted = false;
  #isAsked = false;
  #isRunning = false;
  #isStopped = false;
  /** The last failure that was said, as long as nothing good came. */
  #lastFailure: string | undefined;

  constructor(options: CatalogReloadOptions) {
    this.#options = options;
  }

  /** @param isAsked true when a person asked and gets an answer even if nothing is new */
  request(isAsked: boolean): void {
    this.#isWanted = true;
    this.#isAsked ||= isAsked;
    if (!this.#isRunning) void this.#run();
  }

  /** What is being verified comes to nothing. */
  stop(): void {
    this.#isStopped = true;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#isWanted && !this.#isStopped) {
      const isAsked = this.#isAsked;
      this.#isWanted = false;
      this.#isAsked = false;
      await this.#reload(isAsked);
    }
    this.#isRunning = false;
  }

  async #reload(isAsked: boolean): Promise<void> {
    const { session, updates } = this.#options;
    let failure: { readonly fault: unknown } | undefined;
    try {
      const catalog = await updates.open();
      if (this.#isStopped) return;
      this.#options.apply(() => {
        failure = this.#replace(catalog, isAsked);
      });
    } catch (fault) {
      failure = { fault };
    }
    if (failure === undefined || this.#isStopped) return;
    const { code, message } = await updates.explain(failure.fault);
    const line = `${message} (${code})`;
    // WHY: a folder may change many times while one file in it stays bad
    if (this.#isStopped || (!isAsked && line === this.#lastFailure)) return;
    this.#lastFailure = line;
    const { version, expiresAt } = session.catalog;
    const until = new Date(expiresAt).toISOString();
    const kept = `the catalog was not replaced: version ${version} stays in force until ${until}`;
    updates.note(`${kept}: ${line}`);
    this.#options.apply(() => session.recordKept(`${code}: ${message}`));
  }

  /** A fault before anything was changed is a failed reload; behind that it is the session's. */
  #replace(catalog: TrustedCatalog, isAsked: boolean): { readonly fault: unknown } | undefined {
    const { session, updates } = this.#options;
    try {
      const { isNew, before, now } = session.replaceCatalog(catalog);
      this.#lastFailure = undefined;
      if (isNew) updates.note(`catalog version ${now} is in force in place of version ${before}`);
      else if (isAsked) updates.note(`catalog version ${now} is in force already`);
      return undefined;
    } catch (fault) {
      if (session.catalog === catalog) throw fault;
      return { fault };
    }
  }
}
