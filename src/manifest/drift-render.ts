// A drift report for a terminal. Nothing of what a server sent reaches it as it is: hidden
// characters are shown, the marks of this report are escaped, and each line has a margin of ours.
import type { FieldDrift, ItemDrift, ServerDrift, WordEdit } from "./drift-types.ts";
import { visible, visibleLines } from "./drift-visible.ts";

const FIELDS_SHOWN_MAX = 40;
const NAME_CHARACTERS_MAX = 200;
const TEXT_CHARACTERS_MAX = 4000;
/** Unchanged text that stays on each side of a change. */
const CONTEXT_CHARACTERS = 80;

/** How a report is shown. */
export interface RenderOptions {
  /** Colours, as ANSI escapes. */
  readonly colour: boolean;
}

/**
 * The report of one server as lines of text.
 *
 * Changed words stand between `⟦` and `⟧`. Long unchanged texts, and changes above 4 000
 * characters, are cut, and it is said how much is missing; so it is for more than 40 members of an
 * item, those that widen first.
 */
export function renderDrift(report: ServerDrift, options: RenderOptions): string {
  const paint = painter(options.colour);
  const lines = [titleOf(report, paint)];
  for (const item of report.items) lines.push(...itemLines(item, paint));
  return lines.join("\n");
}

type Colour = "bold" | "dim" | "red" | "green" | "yellow";
type Paint = (colour: Colour, text: string) => string;

const CODES: Readonly<Record<Colour, number>> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 };

function painter(isColoured: boolean): Paint {
  return (colour, text) =>
    isColoured && text !== "" ? `\u001b[${CODES[colour]}m${text}\u001b[0m` : text;
}

function titleOf({ id, status, items }: ServerDrift, paint: Paint): string {
  const count = (reason: ItemDrift["reason"]): number =>
    items.filter((item) => item.reason === reason).length;
  const counts = [
    [count("fingerprint_drift"), "changed"],
    [count("tool_smuggle"), "never pinned"],
    [count("missing"), "missing"],
  ].filter(([number]) => number !== 0);
  const told = counts.map((pair) => pair.join(" ")).join(", ");
  const mark = paint(status === "match" ? "green" : "red", status);
  return `${paint("bold", safe(id))}  ${mark}${told === "" ? "" : `  ${told}`}`;
}

const MARKS: Readonly<Record<ItemDrift["reason"], readonly [string, Colour]>> = {
  fingerprint_drift: ["~", "red"],
  tool_smuggle: ["+", "red"],
  missing: ["?", "dim"],
};

function itemLines(item: ItemDrift, paint: Paint): string[] {
  const { kind, name, reason, expected, actual, fields, error, scope, effect } = item;
  const [mark, colour] = MARKS[reason];
  const label = kind === "instructions" ? kind : `${kind.replace("_", " ")} ${nameOf(name)}`;
  const grant =
    effect === undefined ? "" : `  scope ${safe(scope.join(","))}  effect ${safe(effect)}`;
  const lines = [`  ${paint(colour, `${mark} ${label}`)}  ${reason}${paint("dim", grant)}`];
  for (const digest of expected) lines.push(`      pinned ${safe(digest)}`);
  if (actual !== undefined) lines.push(`      live   ${safe(actual)}`);
  if (error !== undefined) lines.push(`      refused: ${safe(error)}`);
  if (reason !== "missing" && fields.length === 0) {
    lines.push(paint("dim", "      no text to compare: the digests are all that is known"));
  }
  // a stable order: what widens, then the rest as it came
  const order = [...fields.filter(widens), ...fields.filter((field) => !widens(field))];
  for (const field of order.slice(0, FIELDS_SHOWN_MAX)) lines.push(...fieldLines(field, paint));
  const more = order.slice(FIELDS_SHOWN_MAX);
  if (more.length > 0) {
    const wider = more.filter(widens).length;
    const told = `      and ${more.length} more members, ${wider} of them widen; see --json`;
    lines.push(paint("yellow", told));
  }
  return lines;
}

function widens(field: FieldDrift): boolean {
  return field.widens !== undefined;
}

function nameOf(name: string): string {
  return name === "" ? "without a readable name" : safe(name);
}

const SIGNS: Readonly<Record<FieldDrift["change"], readonly [string, Colour]>> = {
  added: ["+", "green"],
  removed: ["-", "red"],
  changed: ["~", "yellow"],
};

function fieldLines(field: FieldDrift, paint: Paint): string[] {
  const [sign, colour] = SIGNS[field.change];
  const path = field.path === "" ? "(the whole text)" : safe(field.path);
  const lines = [`      ${paint(colour, `${sign} ${path}`)}`];
  if (field.widens !== undefined) {
    lines.push(`        ${paint("red", `! widens: ${escapeMarks(visible(field.widens))}`)}`);
  }
  // a side that only repeats what stays says nothing
  for (const side of ["removed", "added"] as const) {
    if (field.words.some(({ op }) => op === side)) {
      lines.push(...sideLines(field.words, side, paint));
    }
  }
  return lines;
}

/** One side of a change: what stays and what went, or what stays and what came. */
function sideLines(
  words: readonly WordEdit[],
  side: "removed" | "added",
  paint: Paint,
): readonly string[] {
  const [sign, colour]: readonly [string, Colour] =
    side === "removed" ? ["-", "red"] : ["+", "green"];
  const shown = words.filter(({ op }) => op === "same" || op === side);
  const isAll = shown.every(({ op }) => op === side);
  let left = TEXT_CHARACTERS_MAX;
  let text = "";
  for (const [index, { op, text: words }] of shown.entries()) {
    const neighbours = { isFirst: index === 0, isLast: index === shown.length - 1 };
    const piece = op === "same" ? context(words, neighbours) : cut(words, Math.max(left, 0));
    left -= op === "same" ? 0 : words.length;
    text += op === "same" || isAll ? piece : `⟦${piece}⟧`;
  }
  return text.split("\n").map((line) => `        ${paint(colour, `${sign} ${line}`)}`);
}

/** Unchanged text, without what is far from a change. */
function context(
  text: string,
  { isFirst, isLast }: { readonly isFirst: boolean; readonly isLast: boolean },
): string {
  const head = isFirst ? 0 : CONTEXT_CHARACTERS;
  const tail = isLast ? 0 : CONTEXT_CHARACTERS;
  const count = text.length - head - tail;
  if (count <= CONTEXT_CHARACTERS) return safeLines(text);
  const start = safeLines(text.slice(0, head).toWellFormed());
  const end = safeLines(text.slice(text.length - tail).toWellFormed());
  return `${start}⟦… ${count} unchanged …⟧${end}`;
}

function cut(text: string, countMax: number): string {
  if (text.length <= countMax) return safeLines(text);
  const shown = safeLines(text.slice(0, countMax).toWellFormed());
  return `${shown}⟦… ${text.length - countMax} more characters, see --json …⟧`;
}

/** A name or another short text. */
function safe(text: string): string {
  const shown = escapeMarks(visible(text));
  return shown.length > NAME_CHARACTERS_MAX
    ? `${shown.slice(0, NAME_CHARACTERS_MAX).toWellFormed()}⟦…⟧`
    : shown;
}

function safeLines(text: string): string {
  return escapeMarks(escapeControls(text));
}

/** The words of a report are visible texts already; a report that was put together may be not. */
function escapeControls(text: string): string {
  return text.replace(/(?!\n)\p{C}/gu, visibleLines);
}

function escapeMarks(text: string): string {
  return text.replace(/[⟦⟧]/g, (mark) => (mark === "⟦" ? "<U+27E6>" : "<U+27E7>"));
}
