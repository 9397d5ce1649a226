// One cold start of the kernel: `node start-process.js`; prints StartTimes.
import { performance } from "node:perf_hooks";
import type { StartTimes } from "./boot.js";

const begin = performance.now();
const { canonicalize } = await import("portcullis");
const imported = performance.now();
const text = canonicalize('{"b":1.0,"a":2}');
const started = performance.now();
if (text !== '{"a":2,"b":1}') throw new Error("expected the canonical form, got another text");
const times: StartTimes = { importMs: imported - begin, startMs: started - imported };
process.stdout.write(JSON.stringify(times));
