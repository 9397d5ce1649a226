// Decisions in Deno without a single permission. Texts come in as modules, so nothing has to be read.
import { decideCalls } from "../decide.js";
import files from "./files.json" with { type: "json" };

for (const line of await decideCalls(files.trust, files.listing)) console.log(line);
