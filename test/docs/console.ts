// The console blocks of a document: commands, what they print, how they exit.
import { spawnSync } from "node:child_process";

/** One command of a document and what the document says comes of it. */
export interface DocumentedCommand {
  /** Line of the document, 1-based. */
  readonly line: number;
  readonly command: string;
  /** Lines in the order in which they must occur; white space counts once, `…` is any text. */
  readonly expected: readonly string[];
  readonly exitCode: number;
}

export interface CommandOutcome {
  readonly exitCode: number;
  /** Standard output and error, in order. */
  readonly output: string;
}

const EXIT = /^\(exit (\d+)\)$/;

/** Every command of the ```console blocks of a Markdown text. */
export function documentedCommands(markdown: string): readonly DocumentedCommand[] {
  const commands: { line: number; command: string; expected: string[]; exitCode: number }[] = [];
  let isInside = false;
  for (const [index, line] of markdown.split("\n").entries()) {
    if (line.startsWith("```")) {
      isInside = line === "```console";
      continue;
    }
    if (!isInside) continue;
    if (line.startsWith("$ ")) {
      commands.push({ line: index + 1, command: line.slice(2), expected: [], exitCode: 0 });
      continue;
    }
    const last = commands.at(-1);
    if (last === undefined) throw new Error(`line ${index + 1} is the output of no command`);
    const exit = EXIT.exec(line)?.[1];
    if (exit === undefined) last.expected.push(line);
    else last.exitCode = Number(exit);
  }
  return commands;
}

/** Runs commands in one shell, which goes on whatever they exit with. */
export function runCommands(
  commands: readonly string[],
  options: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): readonly CommandOutcome[] {
  const mark = "@@@ exit ";
  const script = commands.map((command) => `${command}\nprintf '\\n${mark}%s\\n' "$?"`);
  const { stdout } = spawnSync("bash", ["-c", `exec 2>&1\n${script.join("\n")}`], {
    ...options,
    encoding: "utf8",
    input: "",
    maxBuffer: 1 << 26,
  });
  const outcomes: CommandOutcome[] = [];
  let output = "";
  for (const line of stdout.split("\n")) {
    if (!line.startsWith(mark)) {
      output += `${line}\n`;
      continue;
    }
    outcomes.push({ exitCode: Number(line.slice(mark.length)), output });
    output = "";
  }
  return outcomes;
}

/** The expected lines that do not occur in the output, in order, as whole lines. */
export function missingLines(expected: readonly string[], output: string): readonly string[] {
  const lines = output.split("\n").map(squeeze);
  let from = 0;
  return expected.filter((wanted) => {
    const pattern = new RegExp(`^${squeeze(wanted).split("…").map(escaped).join(".*")}$`);
    const at = lines.findIndex((line, index) => index >= from && pattern.test(line));
    if (at === -1) return true;
    from = at + 1;
    return false;
  });
}

function squeeze(text: string): string {
  return text.trim().replace(/\s+/g, " ");
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
