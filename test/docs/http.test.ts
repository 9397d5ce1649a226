// docs/http.md as a test: the command line it shows is the one that `serve --help` prints.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { cli } from "../cli/process.ts";

it("the command line in docs/http.md is that of --help", async () => {
  const doc = readFileSync("docs/http.md", "utf8");
  const [, shown = ""] = /```\n(portcullis serve \[.*?)\n```/s.exec(doc) ?? [];
  const { stdout } = await cli(["serve", "--help"]);
  const lines = (text: string): string[] =>
    text.split("\n").map((line) => line.trim().replace(/ {2,}/g, "  "));
  const printed = lines(stdout);
  expect(lines(shown).length).toBeGreaterThan(15);
  for (const line of lines(shown).filter((text) => text !== "")) {
    expect(printed.map((text) => text.replace(/^usage: */i, ""))).toContain(line);
  }
});
