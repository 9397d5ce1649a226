// Compiles the patterns into the pattern file that the kernel loads (src/abi/patterns.ts).
//
// Deterministic: the same sources give the same bytes, but for the SHA-256 field, which the caller
// fills in over the whole file with that field zeroed.
import * as abi from "../abi/patterns.ts";
import { GuardError, quote } from "../errors.ts";
import { type FoldRow, foldRows } from "./folds.ts";
import { PATTERN_SOURCE_VERSION, PATTERN_SOURCES } from "./patterns.ts";
import { PHRASES } from "./phrases.ts";
import type { PatternField, PatternSource } from "./source-types.ts";
import { type Alphabet, makeAlphabet, symbolsOf } from "./symbols.ts";

/** Where the SHA-256 of the file is written into it. */
export const PATTERN_SHA256_AT: number = abi.PATTERN_OFFSET_SHA256;

/** Marks the use of a first stage while the file is made. */
const FIRST = "!";

const FIELD_KINDS: Readonly<Record<PatternField, number>> = {
  name: abi.FIELD_NAME,
  prose: abi.FIELD_PROSE,
  parameter: abi.FIELD_PARAMETER,
  value: abi.FIELD_VALUE,
  result: abi.FIELD_RESULT,
};

/** A rule of the file: one sequence of one pattern, or a marker. */
export interface CompiledRule {
  /** Index into `patterns`; -1 for a marker. */
  readonly pattern: number;
  readonly slotFirst: number;
  readonly stages: readonly (readonly string[])[];
  readonly window: number;
  readonly fields: number;
  readonly flags: number;
  readonly unless: number;
}

export interface CompiledPatterns {
  /** The pattern file, its SHA-256 field still zeros. */
  readonly bytes: Uint8Array;
  readonly version: number;
  readonly patterns: readonly PatternSource[];
  /** Per rule, the pattern it belongs to. */
  readonly rules: readonly CompiledRule[];
  readonly stateCount: number;
  readonly alphabet: Alphabet;
}

/**
 * Compiles `sources`.
 *
 * @throws {GuardError} PATTERN_INVALID for a pattern that cannot be compiled
 */
export function compilePatterns(
  sources: readonly PatternSource[] = PATTERN_SOURCES,
  version: number = PATTERN_SOURCE_VERSION,
): CompiledPatterns {
  const rules = makeRules(sources);
  const uses = new Map<string, string[]>();
  for (const [index, rule] of rules.entries()) {
    for (let stage = rule.stages.length - 1; stage >= 0; stage--) {
      for (const phrase of rule.stages[stage] ?? []) {
        const list = uses.get(phrase) ?? [];
        list.push(`${rule.slotFirst + stage},${index}${stage === 0 ? FIRST : ""}`);
        uses.set(phrase, list);
      }
    }
  }
  const folds = foldRows();
  const alphabet = makeAlphabet([...uses.keys()], folds);
  const tables = makeTables(makeTree(uses, alphabet));
  const bytes = makeFile(rules, tables, alphabet, folds, version);
  const stateCount = tables.states.length;
  return { bytes, version, patterns: sources, rules, stateCount, alphabet };
}

function makeRules(sources: readonly PatternSource[]): CompiledRule[] {
  const rules: CompiledRule[] = [];
  const markers = new Map<string, number>();
  let slot = 0;
  const add = (rule: Omit<CompiledRule, "slotFirst">): number => {
    const slotFirst = slot;
    slot += rule.stages.length;
    rules.push({ ...rule, slotFirst });
    return slotFirst;
  };
  for (const [index, source] of sources.entries()) {
    const { fields, window, isSentence, unless, match } = source;
    let mask = fields === undefined ? abi.FIELD_KINDS_ALL : 0;
    for (const field of fields ?? []) mask |= 1 << FIELD_KINDS[field];
    const flags = isSentence === true ? abi.RULE_FLAG_SENTENCE : 0;
    let marker = abi.RULE_NO_SLOT;
    const rest = { pattern: index, window, fields: mask, flags };
    // hidden characters come first and have no words
    if (match.length === 0) add({ ...rest, unless: marker, stages: [] });
    if (unless !== undefined) {
      const name = `${unless},${mask}`;
      marker = markers.get(name) ?? markerOf(unless, mask);
      markers.set(name, marker);
    }
    for (const sequence of match) {
      add({ ...rest, unless: marker, stages: sequence.split("..").map(phrasesOf) });
    }
  }
  function markerOf(group: string, fields: number): number {
    const stages = [phrasesOf(`{${group}}`)];
    const flags = abi.RULE_FLAG_MARKER;
    return add({ pattern: -1, window: 0, fields, flags, unless: abi.RULE_NO_SLOT, stages });
  }
  if (rules.length <= abi.LIMIT_PATTERN_RULES) return rules;
  throw invalid(`expected at most ${abi.LIMIT_PATTERN_RULES} sequences, got ${rules.length}`);
}

/** Phrases of one stage, groups put in. */
function phrasesOf(stage: string): readonly string[] {
  const all = stage.split("|").flatMap((part) => {
    const group = /^\{(\w+)\}$/.exec(part.trim())?.[1];
    if (group === undefined) return [part.trim()];
    const phrases = new Map(Object.entries(PHRASES)).get(group);
    if (phrases === undefined) throw invalid(`expected a group of phrases, got ${quote(group)}`);
    return phrases.split("|").map((phrase) => phrase.trim());
  });
  return [...new Set(all)].filter((phrase) => phrase !== "");
}

interface Node {
  readonly children: Map<number, Node>;
  /** Uses of the phrase that ends here. */
  readonly uses: Set<string>;
  letters: number;
}

function newNode(): Node {
  return { children: new Map(), uses: new Set(), letters: 0 };
}

/** The phrases as a tree of symbols; the branch for the space is always there. */
function makeTree(uses: ReadonlyMap<string, readonly string[]>, alphabet: Alphabet): Node {
  const root = newNode();
  root.children.set(abi.CLASS_SPACE, newNode());
  for (const [phrase, list] of uses) {
    const { symbols, letters } = symbolsOf(phrase, alphabet);
    let node = root;
    for (const symbol of symbols) {
      let next = node.children.get(symbol);
      if (next === undefined) {
        next = newNode();
        node.children.set(symbol, next);
      }
      node = next;
    }

    for (const use of list) node.uses.add(use);
    node.letters = letters;
  }
  return root;
}

interface Atom {
  readonly useFirst: number;
  readonly useCount: number;
  readonly letters: number;
  readonly laterCount: number;
}

/** The tree in breadth-first order, and what its nodes refer to. */
interface Tables {
  readonly atoms: readonly Atom[];
  readonly uses: readonly string[];
  /** Per state: the symbol that leads here, how many children, the atom + 1 or 0. */
  readonly states: readonly (readonly [symbol: number, childCount: number, atom: number])[];
}

function makeTables(root: Node): Tables {
  const queue: { readonly symbol: number; readonly node: Node }[] = [{ symbol: 0, node: root }];
  const uses: string[] = [];
  const useLists = new Map<string, number>();
  const atoms: Atom[] = [];
  const states: [number, number, number][] = [];
  // breadth first: `queue` grows while it is walked
  for (const { symbol, node } of queue) {
    const children = [...node.children].sort(([a], [b]) => a - b);
    for (const [childSymbol, child] of children) queue.push({ symbol: childSymbol, node: child });
    let atom = 0;
    if (node.uses.size > 0) {
      const list = [...node.uses].sort(byStageDescending);
      const key = list.join(" ");
      const useFirst = useLists.get(key) ?? uses.length;
      if (!useLists.has(key)) uses.push(...list);
      useLists.set(key, useFirst);
      const laterCount = list.filter((use) => !use.endsWith(FIRST)).length;
      atoms.push({ useFirst, useCount: list.length, letters: node.letters, laterCount });
      atom = atoms.length;
    }
    states.push([symbol, children.length, atom]);
  }
  if (states.length <= abi.LIMIT_PATTERN_STATES) return { atoms, uses, states };
  throw invalid(`expected at most ${abi.LIMIT_PATTERN_STATES} states, got ${states.length}`);
}

function makeFile(
  rules: readonly CompiledRule[],
  { atoms, uses, states }: Tables,
  alphabet: Alphabet,
  folds: readonly FoldRow[],
  version: number,
): Uint8Array {
  const last = rules.at(-1);
  const slotCount = last === undefined ? 0 : last.slotFirst + last.stages.length;
  const bytes = new Uint8Array(
    abi.PATTERN_HEADER_SIZE +
      abi.PATTERN_CLASSES_SIZE +
      folds.length * abi.FOLD_SIZE +
      rules.length * abi.RULE_SIZE +
      atoms.length * abi.ATOM_SIZE +
      uses.length * abi.USE_SIZE +
      states.length * abi.STATE_SIZE,
  );
  const view = new DataView(bytes.buffer);
  const header: readonly (readonly [number, number])[] = [
    [abi.PATTERN_OFFSET_MAGIC, abi.PATTERN_MAGIC],
    [abi.PATTERN_OFFSET_ABI_VERSION, abi.PATTERN_ABI_VERSION],
    [abi.PATTERN_OFFSET_TOTAL_SIZE, bytes.length],
    [abi.PATTERN_OFFSET_VERSION, version],
    [abi.PATTERN_OFFSET_STATE_COUNT, states.length],
    [abi.PATTERN_OFFSET_ATOM_COUNT, atoms.length],
    [abi.PATTERN_OFFSET_USE_COUNT, uses.length],
    [abi.PATTERN_OFFSET_RULE_COUNT, rules.length],
    [abi.PATTERN_OFFSET_SLOT_COUNT, slotCount],
    [abi.PATTERN_OFFSET_FOLD_COUNT, folds.length],
    [abi.PATTERN_OFFSET_PUNCTUATION, alphabet.punctuationFirst],
  ];
  for (const [offset, value] of header) view.setUint32(offset, value, true);
  bytes.set(alphabet.classes, abi.PATTERN_HEADER_SIZE);
  let at = abi.PATTERN_HEADER_SIZE + abi.PATTERN_CLASSES_SIZE;
  const write = (...words: readonly number[]): void => {
    for (const value of words) {
      view.setUint16(at, value, true);
      at += 2;
    }
  };
  for (const { first, last: lastPoint, mode, target } of folds) {
    view.setUint32(at, (mode << 24) | first, true);
    at += 4;
    write(lastPoint - first, target);
  }
  for (const { slotFirst, window, unless, stages, fields, flags } of rules) {
    write(slotFirst, window, unless, stages.length | (fields << 8), flags, 0, 0, 0);
  }
  for (const { useFirst, useCount, letters, laterCount } of atoms) {
    write(useFirst, useCount, letters, laterCount);
  }
  for (const use of uses) write(...use.replace(FIRST, "").split(",").map(Number));
  for (const [symbol, childCount, atom] of states) write(symbol | (childCount << 8), atom);
  return bytes;
}

/**
 * Later stages first, and of those the latest: slots of one rule follow its stages, and one phrase
 * must not fill two stages in one step.
 */
function byStageDescending(a: string, b: string): number {
  const [isFirstA, isFirstB] = [a.endsWith(FIRST), b.endsWith(FIRST)];
  if (isFirstA !== isFirstB) return isFirstA ? 1 : -1;
  return Number.parseInt(b, 10) - Number.parseInt(a, 10);
}

function invalid(message: string): GuardError {
  return new GuardError("PATTERN_INVALID", `pattern file: ${message}`);
}
