// Timers, which tests replace.

/** Runs `run` once after `delayMs`; the function it gives back takes that back. */
export type Timer = (delayMs: number, run: () => void) => () => void;

/** `setTimeout`. */
export const systemTimer: Timer = (delayMs, run) => {
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
};
