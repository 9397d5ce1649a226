// Drift of one server under one catalog, kept for every process that shares the store
// (20-fingerprint section 3). It ends with a newly signed catalog, and in no other way.
import type { ItemKind } from "../catalog/types.ts";
import type { Drift } from "../store/records.ts";
import type { StateStore } from "../store/types.ts";
import { andThen, orElse } from "./eventually.ts";

export interface StickyDriftOptions {
  readonly store: Pick<StateStore, "addDrift">;
  /** As the store had it at the start. */
  readonly before: readonly Drift[];
  readonly serverId: string;
  /** SHA-256 of the catalog's payload, lower-case hex. */
  readonly catalogSha256: string;
}

/** What has drifted so far, here and in other processes. */
export class StickyDrift {
  /** As the store had it at the start. */
  readonly before: readonly Drift[];
  readonly #options: StickyDriftOptions;
  readonly #kept = new Set<string>();
  /** What the store could not take yet; the kernel of this process refuses it all the same. */
  readonly #waiting = new Map<string, Drift>();

  constructor(options: StickyDriftOptions) {
    this.#options = options;
    this.before = options.before;
    for (const drift of this.before) this.#kept.add(keyOf(drift));
  }

  /** The server's instructions drifted before. */
  get hasInstructions(): boolean {
    return this.before.some(({ kind }) => kind === "instructions");
  }

  /** Keeps it, once; what the store refuses now is tried again with the next. */
  saw(kind: ItemKind | "instructions", name: string): void {
    const { serverId, catalogSha256, store } = this.#options;
    const drift: Drift = { serverId, kind, name, catalogSha256 };
    const key = keyOf(drift);
    if (this.#kept.has(key)) return;
    this.#waiting.set(key, drift);
    for (const [waitingKey, waiting] of this.#waiting) {
      const isGiven = orElse(() => andThen(store.addDrift(waiting), () => true), false);
      // a store in trouble: other processes see the drift themselves
      if (isGiven === false) return;
      void andThen(isGiven, (isKept) => {
        if (!isKept) return;
        this.#waiting.delete(waitingKey);
        this.#kept.add(waitingKey);
      });
    }
  }
}

function keyOf({ kind, name }: Drift): string {
  return `${kind} ${name}`;
}
