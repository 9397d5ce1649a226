// Newer catalogs from the home of a guard that runs.
import process from "node:process";

import type { CatalogEvidence } from "../audit/evidence.ts";
import type { TrustedCatalog } from "../catalog/trusted.ts";
import { systemClock } from "../clock.ts";
import type { CatalogUpdates } from "../proxy/catalog-reload.ts";
import type { Arguments, Io } from "./command.ts";
import { type FaultReport, reportFault } from "./fault.ts";
import { guardHome } from "./home.ts";
import { openHome } from "./trust-files.ts";

/**
 * Newer catalogs from the home: on SIGHUP, and when its signed files change.
 *
 * SIGHUP is taken from the first moment on, so that one which comes early ends nothing.
 */
export class HomeUpdates implements CatalogUpdates {
  /** What the last catalogs were verified from, by the SHA-256 of their payload. */
  readonly files: Map<string, CatalogEvidence> = new Map();
  auditMode: "required" | "best-effort" = "required";
  readonly #args: Arguments;
  readonly #io: Io;
  readonly #startedMs: number = systemClock();
  #request: ((isAsked: boolean) => void) | undefined;
  #isAskedEarly = false;
  readonly #onHangup = (): void => {
    if (this.#request === undefined) this.#isAskedEarly = true;
    else this.#request(true);
  };

  constructor(args: Arguments, io: Io) {
    this.#args = args;
    this.#io = io;
    process.on("SIGHUP", this.#onHangup);
  }

  async open(): Promise<TrustedCatalog> {
    const home = guardHome(this.#args, this.#io);
    const { catalog, config, evidence } = await openHome(home, { remembers: true });
    this.auditMode = config.audit;
    this.files.set(catalog.sha256, evidence);
    // the one in force, and the one that may take over
    for (const [sha256] of this.files) {
      if (this.files.size <= FILES_KEPT_MAX) break;
      this.files.delete(sha256);
    }
    return catalog;
  }

  begin(request: (isAsked: boolean) => void): () => void {
    this.#request = request;
    if (this.#isAskedEarly) request(true);
    let stopWatch: (() => void) | undefined;
    let hasEnded = false;
    void this.#watch(request).then((stop) => {
      if (hasEnded) stop();
      else stopWatch = stop;
    });
    return () => {
      hasEnded = true;
      stopWatch?.();
    };
  }

  explain(fault: unknown): Promise<FaultReport> {
    return reportFault(fault);
  }

  note(line: string): void {
    this.#io.note(line);
  }

  close(): void {
    process.off("SIGHUP", this.#onHangup);
  }

  async #watch(request: (isAsked: boolean) => void): Promise<() => void> {
    const onLost = (why: string): void =>
      this.note(`changes of the home are not noticed (${why}); send SIGHUP after each`);
    try {
      const { watchSignedFiles } = await import("./reload-watch.ts");
      return watchSignedFiles({
        folder: guardHome(this.#args, this.#io).path,
        sinceMs: this.#startedMs,
        onChange: () => request(false),
        onLost,
      });
    } catch (fault) {
      onLost((await reportFault(fault)).message);
      return () => undefined;
    }
  }
}

const FILES_KEPT_MAX = 4;
