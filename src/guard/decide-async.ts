// A decision with a store that answers later: read, decide, take; and anew when somebody was faster.
import type { StateStore } from "../store/types.ts";
import { type DecideOptions, type DecisionEngine, LIMIT_DECIDE_ATTEMPTS } from "./engine.ts";
import type { EngineCall, EngineDecision } from "./engine-types.ts";
import { Grants } from "./grants.ts";
import { type Owned, PrefetchedGrants } from "./prefetched-grants.ts";
import { WaitingLabels } from "./waiting-labels.ts";

/** The deciders of this process, by store. */
const deciders = new WeakMap<StateStore, AsyncDecider>();

/** Decides with one such store. */
export class AsyncDecider {
  readonly #store: StateStore;
  readonly #waiting = new WaitingLabels();
  /** The last of those that wait for their turn, by what they compete for. */
  readonly #turns = new Map<string, Promise<void>>();

  private constructor(store: StateStore) {
    this.#store = store;
  }

  /**
   * The one decider of a store.
   *
   * WHY: labels that the store could not take count for everybody here who has it, also behind the
   * end of the connection that added them.
   */
  static of(store: StateStore): AsyncDecider {
    const known = deciders.get(store);
    if (known !== undefined) return known;
    const made = new AsyncDecider(store);
    deciders.set(store, made);
    return made;
  }

  /**
   * Decides one call; takes what an allow rests on before it is given.
   *
   * @throws {GuardError} SCOPE_UNKNOWN when the call requests a scope the catalog does not have
   */
  async decide(
    engine: DecisionEngine,
    call: EngineCall,
    options: Omit<DecideOptions, "grants">,
  ): Promise<EngineDecision> {
    const owned: Owned = { lease: undefined, consent: undefined };
    const attempt = (isWornOut: boolean): Promise<EngineDecision | undefined> =>
      this.#attempt({ engine, call, owned, options: { ...options, isWornOut } });
    const first = await attempt(false);
    if (first !== undefined) return first;
    // WHY: calls of this process wait for each other; all at once would take 8 invocations and leave
    // the rest of a lease, because each round has one winner
    return this.#inTurn(`${call.identity?.principalHash} ${call.serverId}`, async () => {
      for (let count = 1; count < LIMIT_DECIDE_ATTEMPTS; count++) {
        const decided = await attempt(false);
        if (decided !== undefined) return decided;
      }
      const last = await attempt(true);
      // what is allowed although nothing is left and every label is there rests on nothing
      return last ?? engine.decide(call, { ...options, isWornOut: true, grants: engine.grants });
    });
  }

  /** Decides what a call would come to now; takes nothing. */
  async peek(
    engine: DecisionEngine,
    call: EngineCall,
    options: Omit<DecideOptions, "grants">,
  ): Promise<EngineDecision> {
    const owned: Owned = { lease: undefined, consent: undefined };
    const store = await this.#read(engine, call, owned);
    return engine.decide(call, { ...options, grants: new Grants(store, engine.labels).peek() });
  }

  /**
   * Puts labels on a row: at once here, and then in the store. Never rejects.
   *
   * @returns false when the row carried all of them before
   */
  async addLabels(row: string, mask: number): Promise<boolean> {
    this.#waiting.add(row, mask);
    try {
      const before = await this.#store.getTaint(row);
      if ((before & mask) === mask) {
        this.#waiting.settle(row, mask);
        return false;
      }
    } catch {
      // nobody can say what it carried
    }
    await this.#giveWaiting();
    return true;
  }

  /** Gives the store what waits, a bounded number of rows; ends at the first that is not taken. */
  async #giveWaiting(): Promise<void> {
    for (const [row, mask] of this.#waiting.first(GIVEN_AT_ONCE_MAX)) {
      try {
        await this.#store.addTaint(row, mask);
      } catch {
        return;
      }
      this.#waiting.settle(row, mask);
    }
  }

  /** `undefined`: what it rested on was taken by others. */
  async #attempt({ engine, call, owned, options }: Attempt): Promise<EngineDecision | undefined> {
    const store = await this.#read(engine, call, owned);
    const grants = new Grants(store, engine.labels);
    const decided = engine.decide(call, { ...options, grants });
    if (decided.decision.outcome !== "allow") return decided;
    if ((await store.commit(this.#store)) !== "done") return undefined;
    // what an earlier call could not give the store goes behind this one
    void this.#giveWaiting();
    return decided;
  }

  #read(engine: DecisionEngine, call: EngineCall, owned: Owned): Promise<PrefetchedGrants> {
    const keys = {
      principalHash: call.identity?.principalHash ?? "",
      serverId: call.serverId,
      fingerprint: engine.liveOf(call)?.fingerprint,
      leaseId: call.leaseId,
      sessions: engine.taintRows(call.identity),
    };
    return PrefetchedGrants.read(this.#store, keys, owned, this.#waiting);
  }

  async #inTurn<T>(key: string, action: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(key) ?? Promise.resolve();
    const result = before.then(action);
    const ended = result.then(
      () => undefined,
      () => undefined,
    );
    this.#turns.set(key, ended);
    try {
      return await result;
    } finally {
      if (this.#turns.get(key) === ended) this.#turns.delete(key);
    }
  }
}

interface Attempt {
  readonly engine: DecisionEngine;
  readonly call: EngineCall;
  readonly owned: Owned;
  readonly options: Omit<DecideOptions, "grants">;
}

const GIVEN_AT_ONCE_MAX = 64;
