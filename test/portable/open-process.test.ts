// A host that stays open: each line has its own answer, and one that dies says why.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { tempFolder } from "../cli/process.ts";
// @ts-expect-error: a plain module
import { openProcess } from "./host-process.js";

const ECHO = `
import { createInterface } from "node:readline";
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "die") throw new Error("the last words");
  console.log(JSON.stringify({ line, home: process.env.HOME }));
}
`;

interface Echo {
  readonly ask: (line: string) => Promise<unknown>;
  readonly close: () => Promise<void>;
  readonly folder: string;
}

function openEcho(): Echo {
  const folder = tempFolder();
  writeFileSync(join(folder, "echo.mjs"), ECHO);
  return { ...openProcess(process.execPath, ["echo.mjs"], folder), folder };
}

describe("a process that answers line by line", () => {
  it("gives each line its own answer, in an environment of its own", async () => {
    const { ask, close, folder } = openEcho();
    const answers = await Promise.all(["a", "b", "c"].map((line) => ask(line)));
    expect(answers).toEqual(["a", "b", "c"].map((line) => ({ line, home: folder })));
    await close();
    await expect(ask("d")).rejects.toThrow("exit code null");
  });

  it("one that dies before its answer fails the question with its last words", async () => {
    const { ask } = openEcho();
    await expect(ask("die")).rejects.toThrow("the last words");
  });

  it("one that cannot be started fails the question, too", async () => {
    const { ask } = openProcess("/nonexistent/node", [], tempFolder());
    await expect(ask("a")).rejects.toThrow("ENOENT");
  });
});
