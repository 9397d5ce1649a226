// `run` in the list of commands.
import type { CommandEntry } from "./command-entry.ts";

export const RUN_ENTRY: CommandEntry = {
  name: "run",
  isLong: true,
  summary: "the guard in front of a stdio server",
  load: async () => (await import("./run.ts")).runCommand,
};
