// How the program knows its commands before it loads one.
import type { Command } from "./command.ts";

export interface CommandEntry {
  /** Its first words. */
  readonly name: string;
  readonly summary: string;
  /** Computes or serves for long: worth compiling for. */
  readonly isLong?: boolean;
  readonly load: () => Promise<Command>;
}

/** The command that `argv` names with its first one or two words, and the arguments behind it. */
export function findCommand(
  commands: readonly CommandEntry[],
  argv: readonly string[],
): { readonly entry: CommandEntry; readonly rest: readonly string[] } | undefined {
  for (const entry of commands) {
    const words = entry.name.split(" ");
    if (words.every((word, index) => word === argv[index])) {
      return { entry, rest: argv.slice(words.length) };
    }
  }
  return undefined;
}
