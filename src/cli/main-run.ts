// The program when its first word is `run`.
import { runProgram } from "./program.ts";
import { RUN_ENTRY } from "./run-entry.ts";

await runProgram([RUN_ENTRY]);
