// The texts of `--help`.
import type { CommandSpec } from "./command.ts";
import type { CommandEntry } from "./command-entry.ts";

const WIDTH_MAX = 30;

/** `portcullis --help`. */
export function generalHelp(commands: readonly CommandEntry[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length)) + 2;
  return [
    "portcullis: a guard in front of MCP servers",
    "",
    "usage: portcullis COMMAND [OPTIONS]",
    "",
    "commands:",
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`),
    "",
    "options:",
    "  --help     this text; behind a command, the text of that command",
    "  --version  the version",
    "",
    "exit codes: 0 fine or allowed, 1 a finding (refused, drifted, not verified), 2 usage,",
    "configuration or infrastructure",
    "",
    "example:",
    "  portcullis demo",
  ].join("\n");
}

/** `portcullis COMMAND --help`. */
export function commandHelp(spec: CommandSpec): string {
  const options = [
    ...Object.entries(spec.options).map(([name, { value, help }]): [string, string] => [
      value === undefined ? `--${name}` : `--${name} ${value}`,
      help,
    ]),
    ["--json", "one JSON document on standard output, and nothing else"],
    ["--help", "this text"],
  ] as const;
  const width = Math.min(WIDTH_MAX, Math.max(...options.map(([left]) => left.length)));
  const notes = (spec.notes ?? []).flatMap((note) => ["", note]);
  return [
    `portcullis ${spec.name}: ${spec.summary}`,
    "",
    `usage: portcullis ${spec.name}${spec.usage === "" ? "" : ` ${spec.usage}`}`,
    "",
    "options:",
    ...options.map(([left, help]) => `  ${left.padEnd(width)}  ${help}`),
    ...notes,
    "",
    spec.examples.length === 1 ? "example:" : "examples:",
    ...spec.examples.map((example) => `  ${example}`),
  ].join("\n");
}
