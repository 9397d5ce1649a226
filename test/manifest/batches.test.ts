// A listing's definitions are hashed several at a time: whatever their sizes, each gets its own digest.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readManifest } from "../../src/manifest/read.ts";
import { naiveItemDigest } from "../fixtures/naive-fingerprint.ts";

/** Bytes around a block of SHA-256, around what shares a reader's first room with others, and beyond. */
const size = fc.oneof(
  fc.integer({ min: 0, max: 130 }),
  fc.integer({ min: 1_500, max: 1_700 }),
  fc.integer({ min: 7_900, max: 8_300 }),
  fc.integer({ min: 30_000, max: 33_000 }),
);
/** Among them numbers of which each takes 22 bytes instead of five. */
const filler = fc.constantFrom('"x"', "1e20", '"\\u00e9"', "{}");

/** A tool of about `bytes` bytes; its members stand in their canonical order. */
function tool(name: string, bytes: number, cell: string): { text: string; canonical: string } {
  const count = Math.floor(bytes / (cell.length + 1));
  const text = `{"a":[${Array(count).fill(cell).join(",")}],"name":"${name}"}`;
  return { text, canonical: JSON.stringify(JSON.parse(text)) };
}

describe("definitions that are hashed together", () => {
  it("get the digest that each has alone", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(size, filler), { maxLength: 21, size: "max" }), (shapes) => {
        const tools = shapes.map(([bytes, cell], index) => tool(`t${index}`, bytes, cell));
        const { tools: read } = readManifest(`{"tools":[${tools.map(({ text }) => text)}]}`);
        expect(read.map(({ fingerprint }) => fingerprint)).toEqual(
          tools.map(({ canonical }) => naiveItemDigest("tool", canonical)),
        );
      }),
      { numRuns: 200 },
    );
  });

  it("keep it when one between them is refused", () => {
    const tools = Array.from({ length: 20 }, (_, index) => tool(`t${index}`, index * 40, '"x"'));
    const broken = new Set([0, 7, 8, 15]);
    const texts = tools.map(({ text }, index) => (broken.has(index) ? '{"name":1e400}' : text));
    const { tools: read } = readManifest(`{"tools":[${texts}]}`);
    expect(read.map(({ fingerprint }) => fingerprint)).toEqual(
      tools.map(({ canonical }, index) =>
        broken.has(index) ? undefined : naiveItemDigest("tool", canonical),
      ),
    );
  });
});
