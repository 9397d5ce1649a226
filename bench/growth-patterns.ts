// P8: what scanning costs as there are more patterns, beside one regular expression of all of them.
import { createHash } from "node:crypto";
import { FIELD_BYTE, FIELD_PROSE } from "../esm/abi/patterns.js";
import { loadScanKernel } from "../esm/kernel/scan-kernel.js";
import { compilePatterns, PATTERN_SHA256_AT } from "../esm/vetting/compile.js";
import { PATTERN_SOURCES } from "../esm/vetting/patterns.js";
import type { Finding } from "./finding.js";
import { type Contender, measureRounds, medians } from "./measure.js";
import { makeText, TEXT_SIZE_BYTES } from "./scan.js";

/** Letters of the words that are looked for: no sentence of the text has such a word. */
const LETTERS = "bcdfghjklm";
const WORD_SIZE = 4;
const OPTIONS = { operationCount: 1, batchCount: 1, warmUpCount: 300 };

function wordAt(index: number): string {
  const digits = String(index).padStart(WORD_SIZE, "0");
  return Array.from(digits, (digit) => LETTERS[Number(digit)]).join("");
}

/** us of scanning 64 KiB for `count` words; at most 10 000. */
export async function measurePatterns(count: number): Promise<Finding[]> {
  // WHY: spread over the alphabet, as phrases are
  const words = Array.from({ length: count }, (_, index) => wordAt((index * 7_919) % 10_000));
  const kernel = loadWords(words);
  const expression = new RegExp(`\\b(?:${words.join("|")})\\b`, "gi");
  const encoder = new TextEncoder();
  const scan = (text: string): number => {
    const { bytes, inputAt, exports } = kernel;
    bytes[inputAt] = FIELD_BYTE | FIELD_PROSE;
    const { written } = encoder.encodeInto(text, bytes.subarray(inputAt + 1));
    bytes[inputAt + 1 + written] = FIELD_BYTE;
    const size = written + 2;
    let found = 0;
    for (let from = 0; from < size; found += exports.scanCount()) {
      const next = exports.scanText(from, size);
      if (next <= from) throw new Error("expected the kernel to scan on, got a refusal");
      from = next;
    }
    return found;
  };
  const match = (text: string): number => [...text.matchAll(expression)].length;
  for (const word of [words[0], words.at(-1)]) {
    const sentence = `Writes ${word} at once.`;
    if (scan(sentence) !== 1 || match(sentence) !== 1) {
      throw new Error(`expected one finding in ${sentence}`);
    }
  }
  const contenders: Contender<string>[] = [
    { name: "portcullis", prepare: makeText, run: scan },
    { name: "one regular expression", prepare: makeText, run: match },
  ];
  const [own] = contenders;
  if (own !== undefined) measureRounds([own], OPTIONS);
  const rounds = measureRounds(contenders, { ...OPTIONS, warmUpCount: 3 });
  const values = Object.fromEntries(
    Object.entries(medians(rounds)).map(([name, ns]) => [name, ns / 1000]),
  );
  return [
    {
      key: `P8/patterns/${count}`,
      what: `scan ${TEXT_SIZE_BYTES >> 10} KiB for ${count} words`,
      unit: "us",
      values,
      scores: [values["portcullis"] ?? Number.NaN],
      scoreUnit: "us",
    },
  ];
}

function loadWords(words: readonly string[]): ReturnType<typeof loadScanKernel> {
  const { bytes } = compilePatterns([
    // the folds of hidden characters name these
    ...PATTERN_SOURCES.filter(({ match }) => match.length === 0),
    {
      id: "BENCH",
      category: "tool_poisoning",
      severity: "low",
      title: "words of the benchmark",
      match: [words.join("|")],
      window: 0,
    },
  ]);
  bytes.set(createHash("sha256").update(bytes).digest(), PATTERN_SHA256_AT);
  return loadScanKernel(bytes, TEXT_SIZE_BYTES * 2);
}
