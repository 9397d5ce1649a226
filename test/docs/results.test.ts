// The tables of results say what bench/results/latest.json says, and nothing else.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  performanceTable,
  readmeTable,
  type StoredResults,
  withTable,
} from "../../bench/tables.ts";

const { results }: { results: StoredResults } = JSON.parse(
  readFileSync("bench/results/latest.json", "utf8"),
);

describe("tables of results", () => {
  it.each([
    ["README.md", readmeTable],
    ["docs/performance.md", performanceTable],
  ])("%s has the one that `npm run bench` wrote", (file, render) => {
    const text = readFileSync(file, "utf8");
    expect(text).toBe(withTable(text, render(results)));
  });

  it("the README's names every row it means to", () => {
    expect(readmeTable(results).split("\n")).toHaveLength(2 + 15);
  });
});
