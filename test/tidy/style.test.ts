// style.md as a test: sizes, casts, decorators, named exports, documented and tested errors.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { REASONS } from "../../src/verdict.ts";
import { codeLineCount, sourceFiles } from "./sources.ts";

const src = sourceFiles("src");
const assembly = sourceFiles("assembly");
const tests = sourceFiles("test");
const errors = readFileSync("src/errors.ts", "utf8");
const codes = [...errors.matchAll(/^ {2}\| "([A-Z0-9_]+)"/gm)].map((match) => match[1] ?? "");

describe("style", () => {
  it("no source file has more than 400 code lines", () => {
    for (const { path, text } of [...src, ...assembly, ...tests, ...sourceFiles("bench")]) {
      expect(codeLineCount(text), path).toBeLessThanOrEqual(400);
    }
  });

  it("there are no default exports, enums, namespaces or leftover marks", () => {
    for (const { path, text } of [...src, ...assembly]) {
      expect(text, path).not.toMatch(
        /^export default|^(export )?(const )?enum |^(export )?namespace /m,
      );
      expect(text, path).not.toMatch(/\b(TODO|FIXME|XXX|HACK)\b/);
    }
  });

  it("casts in assembly/ are calls, and no function has a decorator", () => {
    for (const { path, text } of assembly) {
      expect(text, path).not.toMatch(/ as (u|i)(8|16|32|64|size)\b/);
      expect(text, path).not.toMatch(/^@inline/m);
    }
  });

  it("abi files hold literals alone, so that both compilers agree", () => {
    for (const { path, text } of src.filter((file) => file.path.startsWith("src/abi/"))) {
      for (const line of text.split("\n").filter((candidate) => candidate.startsWith("export"))) {
        expect(line, path).toMatch(/^export const [A-Z0-9_]+ = -?(0x[0-9a-f]+|[0-9]+);$/);
      }
    }
  });
});

describe("errors", () => {
  it("each code is explained in docs/errors.md and asserted in a test", () => {
    const docs = readFileSync("docs/errors.md", "utf8");
    const asserted = tests.map(({ text }) => text).join("\n");
    expect(codes.length).toBeGreaterThan(30);
    for (const code of codes) {
      expect(docs, code).toContain(`\`${code}\``);
      expect(asserted, `${code} is asserted in no test`).toContain(code);
    }
  });

  it("each code is thrown somewhere", () => {
    const thrown = src
      .filter(({ path }) => path !== "src/errors.ts")
      .map(({ text }) => text)
      .join();
    for (const code of codes) {
      const [area = "", ...rest] = code.split("_");
      // the readers shared by catalog and root build their code from the area
      const isBuilt =
        thrown.includes(`\${area}_${rest.join("_")}`) && /^(CATALOG|ROOT)$/.test(area);
      expect(isBuilt || thrown.includes(`"${code}"`), `${code} is thrown nowhere`).toBe(true);
    }
  });

  it("each reason of the verdict table is explained in docs/errors.md", () => {
    const docs = readFileSync("docs/errors.md", "utf8");
    for (const reason of REASONS) expect(docs, reason).toContain(`\`${reason}\``);
  });
});
