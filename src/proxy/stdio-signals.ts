// Signals to a stdio guard, which are meant for its server.
import process from "node:process";
import type { StdioChild } from "./stdio-child.ts";

/** WHY: a client that sent SIGTERM sends SIGKILL soon after; the child has to go before that. */
export const SIGNALLED_PATIENCE_MS = 1_000;
const FORWARDED_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;
type ForwardedSignal = (typeof FORWARDED_SIGNALS)[number];

/**
 * Takes signals from its making on, and hands them to the server's process group.
 *
 * INVARIANT: made before the server is started. A signal between the start and the first listener would
 * end the guard and leave the server behind.
 */
export class StdioSignals {
  readonly #listeners: readonly { readonly name: ForwardedSignal; readonly take: () => void }[];
  readonly #early: ForwardedSignal[] = [];
  #child: StdioChild | undefined;

  /** @param isHangupOwn SIGHUP asks the guard itself for something else */
  constructor(isHangupOwn: boolean) {
    const names = FORWARDED_SIGNALS.filter((name) => name !== "SIGHUP" || !isHangupOwn);
    this.#listeners = names.map((name) => ({ name, take: () => this.#take(name) }));
    for (const { name, take } of this.#listeners) process.on(name, take);
  }

  /** Hands on what came before, and what comes. */
  sendTo(child: StdioChild): void {
    this.#child = child;
    for (const name of this.#early.splice(0)) this.#take(name);
  }

  /** From now on signals mean what they mean to any process. */
  stop(): void {
    for (const { name, take } of this.#listeners) process.off(name, take);
  }

  #take(name: ForwardedSignal): void {
    const child = this.#child;
    if (child === undefined) {
      this.#early.push(name);
      return;
    }
    child.signal(name);
    if (name === "SIGTERM" || name === "SIGHUP") child.terminate(SIGNALLED_PATIENCE_MS);
  }
}
