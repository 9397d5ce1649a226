// Text on a terminal: colours only where they are wanted, and nothing hidden in untrusted names.
import { stripVTControlCharacters } from "node:util";

/** Colours text, or leaves it as it is. */
export interface Style {
  /** False: every function gives its text back as it is. */
  readonly isColoured: boolean;
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly green: (text: string) => string;
  readonly red: (text: string) => string;
  readonly yellow: (text: string) => string;
}

/**
 * Colours for a stream: only on a terminal, not with `NO_COLOR` (no-color.org) and not on a dumb
 * terminal.
 */
export function styleFor(
  isTerminal: boolean,
  env: Readonly<Record<string, string | undefined>>,
): Style {
  const noColor = env["NO_COLOR"];
  const isPlain =
    !isTerminal || (noColor !== undefined && noColor !== "") || env["TERM"] === "dumb";
  const paint = (code: number) => (text: string) =>
    isPlain || text === "" ? text : `\u001b[${code}m${text}\u001b[0m`;
  return {
    isColoured: !isPlain,
    bold: paint(1),
    dim: paint(2),
    green: paint(32),
    red: paint(31),
    yellow: paint(33),
  };
}

// WHY: a name may hold what a terminal obeys or does not show; a space is the one exception
const HIDDEN = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/gu;

/** `text` with control, format, separator and invisible characters as `<U+200B>`. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (character) => {
    if (character === " ") return character;
    const point = character.codePointAt(0) ?? 0;
    return `<U+${point.toString(16).toUpperCase().padStart(4, "0")}>`;
  });
}

/**
 * Rows in columns, two spaces apart; the last column is as wide as it needs to be.
 *
 * @param rows cells may be coloured
 */
export function columns(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, cell] of row.entries()) {
      widths[index] = Math.max(widths[index] ?? 0, widthOf(cell));
    }
  }
  return rows.map((row) =>
    row
      .map((cell, index) =>
        index === row.length - 1 ? cell : cell + " ".repeat((widths[index] ?? 0) - widthOf(cell)),
      )
      .join("  ")
      .trimEnd(),
  );
}

function widthOf(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}
