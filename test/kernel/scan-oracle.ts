// A naive scanner: every phrase tried at every place, rules evaluated over what ended where. It
// shares the compiled rules with the kernel, and no search.
import { utf8 } from "../../src/bytes.ts";
import type { CompiledPatterns } from "../../src/vetting/compile.ts";
import { pointSymbols, symbolsOf } from "../../src/vetting/symbols.ts";

const SPACE = 1;

interface Phrase {
  readonly symbols: readonly number[];
  readonly uses: readonly { readonly rule: number; readonly stage: number }[];
}

interface Step {
  readonly symbol: number;
  /** Byte offset where what ends with this symbol ends. */
  readonly end: number;
}

/** One row per distinct row of symbols, with all that uses it. */
export function phrasesOf({ rules, alphabet }: CompiledPatterns): readonly Phrase[] {
  const byKey = new Map<string, { symbols: readonly number[]; uses: Set<string> }>();
  for (const [rule, { stages }] of rules.entries()) {
    for (const [stage, phrases] of stages.entries()) {
      for (const phrase of phrases) {
        const { symbols } = symbolsOf(phrase, alphabet);
        const key = symbols.join();
        const entry = byKey.get(key) ?? { symbols, uses: new Set() };
        entry.uses.add(`${rule} ${stage}`);
        byKey.set(key, entry);
      }
    }
  }
  return [...byKey.values()].map(({ symbols, uses }) => ({
    symbols,
    uses: [...uses].map((use) => {
      const [rule = 0, stage = 0] = use.split(" ").map(Number);
      return { rule, stage };
    }),
  }));
}

function stepsOf(text: string, { alphabet }: CompiledPatterns): Step[] {
  const steps: Step[] = [{ symbol: SPACE, end: 0 }];
  const push = (symbol: number, end: number): void => {
    if (symbol !== SPACE || steps.at(-1)?.symbol !== SPACE) steps.push({ symbol, end });
  };
  let at = 0;
  for (const character of text) {
    const behind = at + utf8(character).length;
    for (const symbol of pointSymbols(character.codePointAt(0) ?? 0, alphabet)) {
      const isMark = symbol >= alphabet.punctuationFirst;
      if (isMark) push(SPACE, at);
      push(symbol, symbol === SPACE ? at : behind);
      if (isMark) push(SPACE, behind);
    }
    at = behind;
  }
  push(SPACE, at);
  return steps;
}

/** Rules that the kernel must find in a field of `kind` with this text; hidden ones left out. */
export function naiveScan(
  text: string,
  kind: number,
  compiled: CompiledPatterns,
  phrases: readonly Phrase[],
): ReadonlySet<number> {
  const { rules } = compiled;
  const bytes = utf8(text);
  const steps = stepsOf(text, compiled);
  const symbols = steps.map(({ symbol }) => symbol);
  const filled = new Map<string, number>();
  const seen = new Map<number, number>();
  const found = new Set<number>();
  for (const [index, { end }] of steps.entries()) {
    const ending = phrases
      .filter((phrase) => endsAt(symbols, index, phrase.symbols))
      .sort((a, b) => b.symbols.length - a.symbols.length);
    for (const isFirst of [false, true]) {
      for (const { uses } of ending) {
        const turn = uses
          .filter(({ stage }) => (stage === 0) === isFirst)
          .sort((a, b) => b.stage - a.stage);
        for (const { rule, stage } of turn) take(rule, stage, end);
      }
    }
  }
  return found;

  function take(index: number, stage: number, end: number): void {
    const rule = rules[index];
    if (rule === undefined || (rule.fields & (1 << kind)) === 0) return;
    const from = stage === 0 ? end : filled.get(`${index} ${stage - 1}`);
    if (from === undefined || end - from > (stage === 0 ? 0 : rule.window)) return;
    if (rule.pattern === -1) {
      seen.set(rule.slotFirst, end);
      return;
    }
    if (stage + 1 < rule.stages.length) {
      filled.set(`${index} ${stage}`, from);
      return;
    }
    if ((rule.flags & 1) !== 0 && hasStop(bytes, from, end)) return;
    const guard = seen.get(rule.unless);
    if (guard !== undefined && guard + rule.window >= from) return;
    found.add(index);
  }
}

function endsAt(symbols: readonly number[], index: number, phrase: readonly number[]): boolean {
  const start = index + 1 - phrase.length;
  return start >= 0 && phrase.every((symbol, offset) => symbols[start + offset] === symbol);
}

function hasStop(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at + 1 < end; at++) {
    const pair = [bytes[at] ?? 0, bytes[at + 1] ?? 0];
    if (".!?;".includes(String.fromCharCode(pair[0] ?? 0)) && (pair[1] ?? 0) <= 0x20) return true;
    if (pair[0] === 10 && pair[1] === 10) return true;
  }
  return false;
}
