import { describe, expect, it } from "vitest";
import { FIELD_PARAMETER, FIELD_PROSE } from "../../src/abi/patterns.ts";
import { COMBINATIONS } from "../../src/vetting/combinations.ts";
import { PATTERN_SOURCES } from "../../src/vetting/patterns.ts";
import { PHRASES } from "../../src/vetting/phrases.ts";
import { PATTERNS, scanFields } from "../../src/vetting/scanner.ts";
import { vetTool } from "../../src/vetting/vet.ts";
import { PATTERN_ROWS } from "./pattern-rows.ts";
import { HONEST, POISONED } from "./samples.ts";

/** Ids of the patterns in a text. */
function idsOf(text: string, kind: number): readonly string[] {
  return scanFields([{ path: "", kind, text }]).findings.map(({ pattern }) => pattern.id);
}

function levelOf(description: string): string {
  return vetTool({ name: "a_tool", description, inputSchema: { type: "object" } }).level;
}

describe("patterns", () => {
  it("each has a row with a text that it finds and one that it does not", () => {
    expect(PATTERN_ROWS.map(([id]) => id)).toEqual(PATTERN_SOURCES.map(({ id }) => id).sort());
    const byId = new Map(PATTERN_SOURCES.map((source) => [source.id, source]));
    for (const [id, positive, nearMiss] of PATTERN_ROWS) {
      const isParameter = byId.get(id)?.fields?.join() === "parameter";
      const kind = isParameter ? FIELD_PARAMETER : FIELD_PROSE;
      expect(idsOf(positive, kind), `${id}: ${positive}`).toContain(id);
      expect(idsOf(nearMiss, kind), `${id}: ${nearMiss}`).not.toContain(id);
    }
  });

  it("ids are unique, and the embedded patterns are the sources", () => {
    const ids = [...PATTERN_SOURCES, ...COMBINATIONS].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(PATTERNS).toEqual(
      PATTERN_SOURCES.map(({ id, category, severity, title }) => ({
        id,
        category,
        severity,
        title,
      })),
    );
  });

  it("every group of phrases is used, and no phrase stands in one group twice", () => {
    const text = JSON.stringify(PATTERN_SOURCES);
    for (const [name, group] of Object.entries(PHRASES)) {
      const isUsed = text.includes(`{${name}}`) || text.includes(`"unless":"${name}"`);
      expect(isUsed, name).toBe(true);
      const phrases = group.split("|").map((phrase) => phrase.trim());
      expect(new Set(phrases).size, name).toBe(phrases.length);
      expect(phrases.includes(""), name).toBe(false);
    }
  });

  it("a parameter's name is judged as such, and prose is not", () => {
    expect(idsOf("sidenote", FIELD_PARAMETER)).toContain("P051");
    expect(idsOf("sidenote", FIELD_PROSE)).not.toContain("P051");
  });
});

describe("descriptions", () => {
  it("at least nine of ten poisoned descriptions are held for review", () => {
    const missed = POISONED.filter(([, text]) => !["high", "critical"].includes(levelOf(text)));
    expect(missed.length, JSON.stringify(missed)).toBeLessThanOrEqual(POISONED.length / 10);
  });

  it("no honest description is, though they use the same words", () => {
    const flagged = HONEST.filter((text) => ["high", "critical"].includes(levelOf(text)));
    expect(flagged).toEqual([]);
  });
});
