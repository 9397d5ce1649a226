// Keeps V8's optimizing compiler from hanging the end of a command: Node waits at exit for threads
// that compile, and such a thread may wait for a garbage collection that only the waiting main
// thread could do (nodejs/node#54918). Seen in Node 20.20 about once in 200 starts on a busy machine.
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";

/** Long enough for a function that is being compiled; the event loop serves its collections. */
const COMPILATION_MS = 25;

/** Begins no compilation from here on: for commands that are over before one pays. */
export function stopOptimizing(): void {
  setFlagsFromString("--max-optimized-bytecode-size=0");
  setFlagsFromString("--no-use-osr");
}

/** Begins no more compilations and lets those end that run: before a command that was long exits. */
export async function settleOptimizer(): Promise<void> {
  stopOptimizing();
  await sleep(COMPILATION_MS);
}
