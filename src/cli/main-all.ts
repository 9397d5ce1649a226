// Every command of the program.
import { COMMANDS } from "./commands.ts";
import { runProgram } from "./program.ts";

await runProgram(COMMANDS);
