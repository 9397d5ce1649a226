// Loaded into a guard before its own code: the clock that a test moves. The milliseconds in the file
// named by `?file=` are added to the time of day, and a timer of 10 s or more fires once it is due by
// that clock; `<file>.seen` then says so. Nothing else of the guard is touched.
import { readFileSync, writeFileSync } from "node:fs";

const LONG_TIMER_MS = 10_000;
const POLL_MS = 20;

const file = new URL(import.meta.url).searchParams.get("file") ?? "";
const realNow = Date.now;
const { setTimeout: realTimeout, clearTimeout: realClear } = globalThis;
const waiting = new Map();
let movedMs = 0;

Date.now = () => realNow() + movedMs;

globalThis.setTimeout = (run, delayMs = 0, ...args) => {
  const fire = () => {
    waiting.delete(timer);
    run(...args);
  };
  const timer = realTimeout(fire, delayMs);
  if (delayMs >= LONG_TIMER_MS) waiting.set(timer, { dueMs: Date.now() + delayMs, fire });
  return timer;
};

globalThis.clearTimeout = (timer) => {
  waiting.delete(timer);
  realClear(timer);
};

setInterval(() => {
  const wanted = Number(readFileSync(file, "utf8"));
  if (!(wanted > movedMs)) return;
  movedMs = wanted;
  writeFileSync(`${file}.seen`, `${movedMs}`);
  for (const [timer, { dueMs, fire }] of [...waiting]) {
    if (dueMs > Date.now()) continue;
    realClear(timer);
    fire();
  }
}, POLL_MS).unref();
