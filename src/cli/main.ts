#!/usr/bin/env node
// The program. `run`, which a client starts for every server, is one file with all that it needs;
// scripts/build.js makes it.
import process from "node:process";

await (process.argv[2] === "run" ? import("./main-run.ts") : import("./main-all.ts"));
