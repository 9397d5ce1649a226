import { createHash } from "node:crypto";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { PATTERNS_BASE64, PATTERNS_SHA256, PATTERNS_VERSION } from "#patterns";
import * as abi from "../../src/abi/patterns.ts";
import { fromBase64, toHex, utf8 } from "../../src/bytes.ts";
import { GuardError } from "../../src/errors.ts";
import type { Kernel } from "../../src/kernel/kernel.ts";
import { loadScanKernel } from "../../src/kernel/scan-kernel.ts";
import { compilePatterns, PATTERN_SHA256_AT } from "../../src/vetting/compile.ts";
import { PATTERN_SOURCES } from "../../src/vetting/patterns.ts";
import { PHRASES } from "../../src/vetting/phrases.ts";
import { HONEST, POISONED } from "../vetting/samples.ts";
import { naiveScan, phrasesOf } from "./scan-oracle.ts";

const file = fromBase64(PATTERNS_BASE64);
const compiled = compilePatterns();
const phrases = phrasesOf(compiled);
const INPUT_SIZE = 1 << 16;
const HIDDEN_RULE_COUNT = 6;

let kernel: Kernel;
beforeAll(() => {
  kernel = loadScanKernel(file, INPUT_SIZE);
});

/** Rules found in one field, hidden characters left out. */
function scan(text: string, kind: number): ReadonlySet<number> {
  const bytes = Uint8Array.of(abi.FIELD_BYTE | kind, ...utf8(text), abi.FIELD_BYTE);
  kernel.writeInput(bytes);
  const found = new Set<number>();
  for (let from = 0; from < bytes.length; ) {
    from = kernel.exports.scanText(from, bytes.length);
    const word = kernel.exports.regionFindings() >> 2;
    for (let index = 0; index < kernel.exports.scanCount(); index++) {
      found.add(kernel.words[word + index * 4] ?? -1);
    }
  }
  return new Set([...found].filter((rule) => rule >= HIDDEN_RULE_COUNT));
}

function expectSame(text: string, kind: number): void {
  const naive = naiveScan(text, kind, compiled, phrases);
  const sorted = (set: ReadonlySet<number>): number[] => [...set].sort((a, b) => a - b);
  expect(sorted(scan(text, kind)), JSON.stringify(text)).toEqual(sorted(naive));
}

/** The file with its digest made right again. */
function resealed(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy.fill(0, PATTERN_SHA256_AT, PATTERN_SHA256_AT + 32);
  copy.set(createHash("sha256").update(copy).digest(), PATTERN_SHA256_AT);
  return copy;
}

describe("the scanner against a naive one", () => {
  it("finds the same rules in every sample", () => {
    for (const [, text] of POISONED) expectSame(text, abi.FIELD_PROSE);
    for (const text of HONEST) expectSame(text, abi.FIELD_PROSE);
  });

  it("finds the same rules in random rows of phrases, words, marks and characters", () => {
    const words = Object.values(PHRASES)
      .flatMap((group) => group.split("|"))
      .map((phrase) => phrase.replaceAll("*", "").replaceAll("¦", "|"));
    const part = fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...words) },
      {
        weight: 2,
        arbitrary: fc.constantFrom(". ", "\n\n", "'", "  ", "-", "_", "/", ": ", "<", ">"),
      },
      {
        weight: 2,
        arbitrary: fc.constantFrom("tool", "file", "with", "the", "a1", "Ünï", "ＡＢ", "И"),
      },
      { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 4 }) },
    );
    const texts = fc.array(fc.tuple(part, fc.constantFrom(" ", " ", " ", "", "\t")), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(texts, fc.integer({ min: 0, max: 4 }), (parts, kind) => {
        expectSame(parts.map((pair) => pair.join("")).join(""), kind);
      }),
      { numRuns: 250 },
    );
  });

  it("does not reach from one field into the next", () => {
    const bytes = Uint8Array.of(
      abi.FIELD_BYTE | abi.FIELD_PROSE,
      ...utf8("ignore all"),
      abi.FIELD_BYTE | abi.FIELD_PROSE,
      ...utf8("previous instructions"),
      abi.FIELD_BYTE,
    );
    kernel.writeInput(bytes);
    expect(kernel.exports.scanText(0, bytes.length)).toBe(bytes.length);
    expect(kernel.exports.scanCount()).toBe(0);
  });

  it("pauses when half of the table is full and goes on where it stopped", () => {
    const text = "a\u200b".repeat(1000);
    const bytes = Uint8Array.of(abi.FIELD_BYTE, ...utf8(text), abi.FIELD_BYTE);
    kernel.writeInput(bytes);
    let count = 0;
    for (let from = 0; from < bytes.length; ) {
      from = kernel.exports.scanText(from, bytes.length);
      expect(kernel.exports.scanCount()).toBeLessThanOrEqual(abi.FINDING_COUNT_PAUSE);
      count += kernel.exports.scanCount();
    }
    expect(count).toBe(1000);
  });

  it("takes any bytes, valid or not, and stays within its text", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        kernel.writeInput(bytes);
        let from = 0;
        for (let turn = 0; turn < 400 && from < bytes.length; turn++) {
          from = kernel.exports.scanText(from, bytes.length);
        }
        expect(from).toBe(bytes.length);
      }),
      { numRuns: 300 },
    );
    kernel.writeInput(new Uint8Array(INPUT_SIZE).fill(0x61));
    expect(kernel.exports.scanText(0, INPUT_SIZE)).toBe(INPUT_SIZE);
    expect(kernel.exports.scanText(0, INPUT_SIZE + 1)).toBe(-1);
    expect(kernel.exports.scanText(2, 1)).toBe(-1);
    expect(kernel.exports.scanShape(INPUT_SIZE + 1)).toBe(-1);
  });
});

describe("the pattern file", () => {
  it("is compiled to the same bytes each time, and is the one that is embedded", () => {
    const again = resealed(compiled.bytes);
    expect(Buffer.compare(again, file)).toBe(0);
    expect(toHex(createHash("sha256").update(file).digest())).toBe(PATTERNS_SHA256);
    expect(compiled.version).toBe(PATTERNS_VERSION);
  });

  it("is refused with any bit flipped", () => {
    const kernelMade = loadScanKernel(file, 1024);
    const at = kernelMade.exports.regionPatterns();
    const offsets = [...Array(abi.PATTERN_HEADER_SIZE * 8).keys()];
    for (let bit = abi.PATTERN_HEADER_SIZE * 8; bit < file.length * 8; bit += 4001)
      offsets.push(bit);
    for (const bit of offsets) {
      kernelMade.bytes.set(file, at);
      kernelMade.bytes[at + (bit >> 3)] = (file[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(kernelMade.exports.loadPatterns(file.length), `bit ${bit}`).not.toBe(abi.PATTERN_OK);
      // nothing is scanned with a file that was refused
      expect(kernelMade.exports.scanText(0, 1)).toBe(-1);
    }
    kernelMade.bytes.set(file, at);
    expect(kernelMade.exports.loadPatterns(file.length)).toBe(abi.PATTERN_OK);
  });

  it("is refused when it is shorter or longer than it says", () => {
    for (const size of [0, abi.PATTERN_HEADER_SIZE - 1, abi.PATTERN_HEADER_SIZE, file.length - 4]) {
      expectRefused(file.slice(0, size), /sections make up its size/);
    }
    expectRefused(new Uint8Array([...file, 0, 0, 0, 0]), /sections make up its size/);
  });

  it("is refused with unsound content under a right digest", () => {
    const { rules } = compiled;
    const rulesAt = abi.PATTERN_HEADER_SIZE + abi.PATTERN_CLASSES_SIZE + foldSize();
    const statesAt = file.length - compiled.stateCount * abi.STATE_SIZE;
    const changes: readonly (readonly [what: string, offset: number, value: number])[] = [
      ["a class that is none", abi.PATTERN_HEADER_SIZE + 0x41, 64],
      ["a fold below the last", rulesAt - abi.FOLD_SIZE, 0],
      ["a rule with slots behind the last", rulesAt + 7 * abi.RULE_SIZE + 1, 255],
      ["a rule with unknown flags", rulesAt + 7 * abi.RULE_SIZE + abi.RULE_OFFSET_FLAGS, 4],
      ["a use of no rule", statesAt - 1, 255],
      ["an atom behind the last", statesAt + 7, 255],
      ["a state of no class", statesAt + abi.STATE_SIZE * 5, 200],
      ["more children than states", file.length - 3, 9],
    ];
    expect(rules.length).toBeGreaterThan(7);
    for (const [what, offset, value] of changes) {
      const copy = file.slice();
      expect(copy[offset], what).not.toBe(value);
      copy[offset] = value;
      expectRefused(resealed(copy), /expected sound classes, folds, rules/);
    }
    const other = file.slice();
    other[abi.PATTERN_OFFSET_ABI_VERSION] = 2;
    expectRefused(resealed(other), /ABI version/);
    const changed = file.slice();
    changed[statesAt] = 1;
    expectRefused(changed, /own SHA-256/);
  });

  function foldSize(): number {
    const view = new DataView(file.buffer, file.byteOffset);
    return view.getUint32(abi.PATTERN_OFFSET_FOLD_COUNT, true) * abi.FOLD_SIZE;
  }

  function expectRefused(bytes: Uint8Array, message: RegExp): void {
    try {
      loadScanKernel(bytes, 1024);
    } catch (fault) {
      if (!(fault instanceof GuardError)) throw fault;
      expect(fault.code).toBe("PATTERN_INVALID");
      expect(fault.message).toMatch(message);
      return;
    }
    expect.fail("expected the kernel to refuse it");
  }
});

describe("the compiler of patterns", () => {
  const source = {
    id: "P999",
    category: "ssrf",
    severity: "low",
    title: "a test",
    window: 10,
    match: ["one .. two"],
  } as const;

  it("refuses a group that is not there, an empty phrase and too many rules", () => {
    const compileWith = (match: readonly string[]) => () =>
      compilePatterns([{ ...source, match }], 1);
    expect(compileWith(["{nothing}"])).toThrow("expected a group of phrases, got `nothing`");
    expect(compileWith(["one .. *"])).toThrow("expected a phrase, got `*`");
    const many = Array.from({ length: abi.LIMIT_PATTERN_RULES }, () => "one");
    expect(compileWith(many)).not.toThrow();
    expect(compileWith([...many, "one"])).toThrow(
      "pattern file: expected at most 256 sequences, got 257",
    );
  });

  it("refuses more classes than a row of transitions has", () => {
    const marks = [..."0123456789./:@<>[]#!"].map((mark) => `a ${mark} b`);
    expect(() => compilePatterns([{ ...source, match: marks }], 1)).toThrow(
      "expected at most 64 classes",
    );
  });

  it("gives phrases their stages in order, and windows their bytes", () => {
    const { bytes } = compilePatterns([...PATTERN_SOURCES.slice(0, HIDDEN_RULE_COUNT), source], 1);
    const small = loadScanKernel(resealed(bytes), 1024);
    const count = (text: string): number => {
      const input = Uint8Array.of(abi.FIELD_BYTE, ...utf8(text), abi.FIELD_BYTE);
      small.writeInput(input);
      small.exports.scanText(0, input.length);
      return small.exports.scanCount();
    };
    expect(count("one two")).toBe(1);
    expect(count("two one")).toBe(0);
    expect(count("one two two")).toBe(1);
    // behind `one` there are 10 bytes to the end of `two`, then 11
    expect(count("one ..... two")).toBe(1);
    expect(count("one ...... two")).toBe(0);
    expect(count("onetwo one-TWO")).toBe(1);
  });
});
