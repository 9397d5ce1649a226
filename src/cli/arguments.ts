// Reads a command line strictly: what is unknown, missing, twice or left over is a refusal.
import { parseArgs } from "node:util";

import { GuardError, quote } from "../errors.ts";
import type { Arguments, CommandSpec } from "./command.ts";

/** Options that every command has. */
const COMMON_OPTIONS = {
  json: { type: "boolean" },
  help: { type: "boolean" },
} as const;

/**
 * Reads what follows the name of a command.
 *
 * @throws {GuardError} USAGE when it is not what `spec` says.
 */
export function readArguments(spec: CommandSpec, argv: readonly string[]): Arguments {
  const end = argv.indexOf("--");
  const command = end === -1 ? undefined : argv.slice(end + 1);
  const options = Object.fromEntries(
    Object.entries(spec.options).map(([name, { type }]) => [name, { type }]),
  );
  const parsed = parse(spec, end === -1 ? argv : argv.slice(0, end), options);
  const given = new Map<string, string | boolean>();
  for (const token of parsed.tokens) {
    if (token.kind !== "option") continue;
    if (given.has(token.name)) throw usageFault(spec, `--${token.name} once`, "it again");
    given.set(token.name, token.value ?? true);
  }
  const { positionals } = parsed;
  const [extra] = positionals;
  if (extra !== undefined && spec.positionals === undefined) {
    throw usageFault(spec, "options only", quote(extra));
  }
  if (command !== undefined && spec.takesCommand !== true) {
    throw usageFault(spec, "no command line", "`--`");
  }
  if (command?.length === 0) throw usageFault(spec, "a command behind `--`", "nothing");
  return {
    positionals,
    command,
    text: (name) => {
      const value = given.get(name);
      return typeof value === "string" ? value : undefined;
    },
    flag: (name) => given.get(name) === true,
  };
}

/**
 * The value of an option that must be given.
 *
 * @throws {GuardError} USAGE when it is not.
 */
export function requiredText(spec: CommandSpec, args: Arguments, name: string): string {
  const value = args.text(name);
  if (value !== undefined && value !== "") return value;
  throw usageFault(spec, `--${name} ${spec.options[name]?.value ?? "VALUE"}`, "none");
}

/**
 * The names in a comma-separated value, e.g. `fs.read,net.fetch`.
 *
 * @throws {GuardError} USAGE for an empty name.
 */
export function listOf(spec: CommandSpec, name: string, value: string): readonly string[] {
  const names = value.split(",").map((part) => part.trim());
  if (!names.includes("")) return names;
  throw usageFault(spec, `names between the commas of --${name}`, quote(value));
}

/** A fault of the command line itself. */
export function usageFault(spec: CommandSpec, expected: string, got: string): GuardError {
  const help = `see \`portcullis ${spec.name} --help\``;
  return new GuardError("USAGE", `expected ${expected}, got ${got}; ${help}`);
}

interface Parsed {
  readonly positionals: readonly string[];
  readonly tokens: readonly { kind: string; name: string; value: string | undefined }[];
}

function parse(
  spec: CommandSpec,
  argv: readonly string[],
  options: Record<string, { type: "string" | "boolean" }>,
): Parsed {
  try {
    const { positionals, tokens } = parseArgs({
      args: [...argv],
      options: { ...options, ...COMMON_OPTIONS },
      strict: true,
      allowPositionals: true,
      tokens: true,
    });
    const named = tokens.filter((token) => token.kind === "option");
    return { positionals, tokens: named.map(({ kind, name, value }) => ({ kind, name, value })) };
  } catch (cause) {
    throw usageFault(spec, ...explain(cause));
  }
}

/** What `parseArgs` found wrong, as expected and got. */
function explain(cause: unknown): [expected: string, got: string] {
  if (!(cause instanceof Error)) return ["options as documented", "others"];
  const option = quote(/'([^']*)'/s.exec(cause.message)?.[1] ?? "");
  if (!("code" in cause)) return ["options as documented", option];
  if (cause.code === "ERR_PARSE_ARGS_UNKNOWN_OPTION") return ["a known option", option];
  if (/does not take an argument/.test(cause.message)) return ["no value", `one for ${option}`];
  return ["a value", `none for ${option}`];
}
