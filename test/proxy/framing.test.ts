import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8, utf8Text } from "../../src/bytes.ts";
import { LineSplitter } from "../../src/proxy/framing.ts";

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : utf8Text(bytes);
}

/** What a splitter makes of text in pieces of the given sizes, then of the rest at once. */
function split(text: string | Uint8Array, limit: number, sizes: readonly number[] = []) {
  const bytes = typeof text === "string" ? utf8(text) : text;
  const splitter = new LineSplitter(limit);
  const found: (string | [number, string | undefined])[] = [];
  let at = 0;
  for (const size of [...sizes, bytes.length]) {
    for (const line of splitter.push(bytes.slice(at, at + size))) {
      if (line.kind === "line") found.push(utf8Text(line.frame) ?? "?");
      else found.push([line.sizeBytes, textOf(line.idText)]);
    }
    at += size;
  }
  return { found, rest: splitter.end() };
}

describe("LineSplitter", () => {
  it("gives a line of one chunk as a view of it, without a copy", () => {
    const chunk = utf8("one\ntwo\nthr");
    const [first, second] = [...new LineSplitter(10).push(chunk)];
    expect(first?.kind === "line" && first.frame.buffer === chunk.buffer).toBe(true);
    expect(second?.kind === "line" && second.frame.byteOffset).toBe(4);
  });

  it("joins a line cut inside a character, and two messages in one chunk are two lines", () => {
    expect(split("é\nb\n", 10, [1]).found).toEqual(["é\n", "b\n"]);
  });

  it("keeps a CR wherever it is, and cuts at a line feed only", () => {
    expect(split("a\r\nb\rc\n", 10).found).toEqual(["a\r\n", "b\rc\n"]);
  });

  it("a line in one-byte chunks takes no more memory than the line", () => {
    setFlagsFromString("--expose-gc");
    const collect: () => void = runInNewContext("gc");
    const usedBytes = (): number => {
      collect();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    const sizeBytes = 300_000;
    const splitter = new LineSplitter(sizeBytes);
    const chunk = utf8("a");
    const before = usedBytes();
    for (let at = 0; at < sizeBytes; at++) for (const line of splitter.push(chunk)) throw line;
    expect(usedBytes() - before).toBeLessThan(10 * sizeBytes);
    const [line] = [...splitter.push(utf8("\n"))];
    expect(line?.kind === "line" && utf8Text(line.frame)).toBe(`${"a".repeat(sizeBytes)}\n`);
  });

  it("a line that was given out is not written to again", () => {
    const splitter = new LineSplitter(10);
    const lines = ["on", "e\ntw", "o\n"].flatMap((text) => [...splitter.push(utf8(text))]);
    expect(lines.map((line) => line.kind === "line" && utf8Text(line.frame))).toEqual([
      "one\n",
      "two\n",
    ]);
  });

  it("a rest without line feed is dropped and counted, whatever its size", () => {
    expect(split("a\nbc", 10)).toEqual({ found: ["a\n"], rest: 2 });
    expect(split("abcdef", 3)).toEqual({ found: [], rest: 6 });
  });

  it("a line of exactly the limit passes, one byte more is dropped to its end", () => {
    for (const sizes of [[], [3], [5], [4, 1]]) {
      expect(split("abcde\nx\n", 5, sizes).found).toEqual(["abcde\n", "x\n"]);
      expect(split("abcdef\nx\n", 5, sizes).found).toEqual([[6, undefined], "x\n"]);
    }
  });

  it.each([
    ['{"id":7,"result":"', '"}', "7"],
    ['{"result":{"id":1,"a":["', '"]},"jsonrpc":"2.0","id":"a\\"b"}', '"a\\"b"'],
    ['{"i\\u0064":null,"x":"', '"}', "null"],
    ['{"params":{"id":3},"x":"\\\\\\"', '"}', undefined],
    ['{"id":1,"x":"', '","id":2}', undefined],
    ['{"id":{"id":1},"x":"', '"}', "{"],
  ])("finds the id of a line that is too long: %s", (head, tail, id) => {
    const text = `${head}${"x".repeat(500)}${tail}\n`;
    for (const sizes of [[], [1, 2, 3, 5, 8, 13], [head.length], [400, 100]]) {
      expect(split(text, 100, sizes).found).toEqual([[text.length - 1, id]]);
    }
  });

  it("an id that never ends takes no memory, and is none", () => {
    expect(split(`{"id":"${"9".repeat(5000)}"}\n`, 100).found).toEqual([[5009, ""]]);
  });

  it("the same bytes give the same lines however they are cut", () => {
    const texts = fc.string({ unit: fc.constantFrom("a", "\n", "\r", "é", '"', "{", ":") });
    fc.assert(
      fc.property(texts, fc.array(fc.nat(6)), fc.nat(8), (text, sizes, limit) => {
        expect(split(text, limit, sizes)).toEqual(split(text, limit));
      }),
    );
  });
});
