// docs/key-rotation.md as a test: every command of the three runbooks, from start to end.
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { MAIN, tempFolder } from "../cli/process.ts";
import { fixtureCatalog } from "../cli/signed-home.ts";
import { documentedCommands, missingLines, runCommands } from "./console.ts";

const TEXT = readFileSync(new URL("../../docs/key-rotation.md", import.meta.url), "utf8");
const COMMANDS = documentedCommands(TEXT);

/** A folder as the document assumes it: `portcullis` on the PATH, `guard` with a catalog. */
function scratch(): { cwd: string; env: Record<string, string> } {
  const cwd = tempFolder();
  const bin = join(cwd, "bin");
  mkdirSync(bin);
  const program = join(bin, "portcullis");
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${MAIN}" "$@"\n`);
  chmodSync(program, 0o755);
  mkdirSync(join(cwd, "guard"), { mode: 0o700 });
  writeFileSync(join(cwd, "guard", "catalog.toml"), fixtureCatalog());
  return { cwd, env: { PATH: `${bin}:${process.env["PATH"] ?? ""}`, HOME: join(cwd, "nobody") } };
}

describe("docs/key-rotation.md", () => {
  it("has all three runbooks, and each uses the commands it is about", () => {
    const headings = [...TEXT.matchAll(/^## (\([abc]\)).*$/gm)].map(([, letter]) => letter);
    expect(headings).toEqual(["(a)", "(b)", "(c)"]);
    const text = COMMANDS.map(({ command }) => command).join("\n");
    for (const name of ["add-key", "drop-key", "set-floor", "sign", "show", "init"]) {
      expect(text).toContain(`portcullis root ${name}`);
    }
    expect(COMMANDS.length).toBeGreaterThan(50);
    expect(COMMANDS.filter(({ expected }) => expected.length > 0).length).toBeGreaterThan(20);
    expect(COMMANDS.filter(({ exitCode }) => exitCode !== 0).length).toBeGreaterThan(2);
  });

  it("every command does what it says, from start to end", () => {
    const place = scratch();
    const outcomes = runCommands(
      COMMANDS.map(({ command }) => command),
      place,
    );
    expect(outcomes).toHaveLength(COMMANDS.length);
    const wrong = COMMANDS.flatMap(({ line, command, expected, exitCode }, index) => {
      const outcome = outcomes[index];
      const missing = missingLines(expected, outcome?.output ?? "");
      if (outcome?.exitCode === exitCode && missing.length === 0) return [];
      return [{ line, command, missing, ...outcome }];
    });
    expect(wrong).toEqual([]);
    const roots = readdirSync(join(place.cwd, "guard")).filter((name) => name.startsWith("root."));
    expect(roots.sort()).toEqual([1, 2, 3, 4, 5].map((version) => `root.${version}.dsse.json`));
  }, 120_000);

  it("a line that is not printed, and another exit code, are noticed", () => {
    const [only] = documentedCommands("```console\n$ echo one  two\none …\nthree\n(exit 3)\n```\n");
    const [outcome] = runCommands(["echo one  two; (exit 3)"], { cwd: tempFolder(), env: {} });
    expect(only).toMatchObject({ line: 2, command: "echo one  two", exitCode: 3 });
    expect(outcome?.exitCode).toBe(3);
    expect(missingLines(only?.expected ?? [], outcome?.output ?? "")).toEqual(["three"]);
    expect(missingLines(["two", "one"], "one\ntwo\n")).toEqual(["one"]);
  });
});
