// What a command is: a description for `--help`, and a function from parsed options to a result.
import type { Style } from "./style.ts";

export interface OptionSpec {
  readonly type: "string" | "boolean";
  /** Placeholder of the value in `--help`, e.g. `FILE`. */
  readonly value?: string;
  readonly help: string;
}

export interface CommandSpec {
  /** As typed behind `portcullis`. */
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** What follows the name, e.g. `--server ID [-- CMD ARGS...]`. */
  readonly usage: string;
  /** Without `--json` and `--help`, which every command has. */
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** Names of positional arguments; absent: none are taken. */
  readonly positionals?: string;
  /** True when a command line may follow `--`. */
  readonly takesCommand?: boolean;
  /** Paragraphs below the options. */
  readonly notes?: readonly string[];
  readonly examples: readonly string[];
}

/** A command line, read. */
export interface Arguments {
  readonly positionals: readonly string[];
  /** What follows `--`; `undefined` without it. */
  readonly command: readonly string[] | undefined;
  /** The value of a string option; `undefined` when it is not given. */
  text(name: string): string | undefined;
  flag(name: string): boolean;
}

/** What a command may use of the process around it. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute path of the current folder. */
  readonly cwd: string;
  /** Colours of standard output. */
  readonly style: Style;
  /** A line for a person on standard error. */
  note(line: string): void;
  /** Such a line only when somebody watches: standard error is a terminal. */
  progress(line: string): void;
  /** Such a line in the place of the one before it; an empty one takes it away. */
  status(line: string): void;
  /**
   * Asks on the terminal and gives the answer; `undefined` when nobody is there to answer. An aborted
   * question is taken away, and its answer is empty.
   */
  readonly ask: ((question: string, signal?: AbortSignal) => Promise<string>) | undefined;
}

/**
 * Exit 0 = fine, 1 = a finding. A fault is thrown, and is exit 2; a command that has something to
 * show all the same returns 2, with `error` in its JSON.
 */
export interface CommandResult {
  readonly exitCode: 0 | 1 | 2;
  /** Members of the JSON document besides `ok`. */
  readonly json: Readonly<Record<string, unknown>>;
  /** For a person; without a line feed at the end. */
  readonly text: string;
}

/** A command that has standard output for itself; resolves to the exit code. */
export type StreamCommand = {
  readonly spec: CommandSpec;
  readonly stream: (args: Arguments, io: Io) => Promise<number>;
  /** With --json standard output holds documents and no protocol: faults go there, too. */
  readonly givesDocuments?: true;
};

export type ReportCommand = {
  readonly spec: CommandSpec;
  readonly run: (args: Arguments, io: Io) => Promise<CommandResult>;
};

/** A report that some options turn into a stream. */
export type MixedCommand = ReportCommand & {
  readonly streams: (args: Arguments) => boolean;
  readonly stream: (args: Arguments, io: Io) => Promise<number>;
};

export type Command = ReportCommand | StreamCommand | MixedCommand;
