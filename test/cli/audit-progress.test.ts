// Long reading on a terminal.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { type LoggedHome, loggedHome } from "./logged-home.ts";
import { MAIN } from "./process.ts";

const HAS_SCRIPT = existsSync("/usr/bin/script");

/** What a command prints where all three streams are a terminal. */
function onTerminal(args: readonly string[]): string {
  const command = [process.execPath, MAIN, ...args].map((word) => `'${word}'`).join(" ");
  return execFileSync("script", ["-qec", command, "/dev/null"], { encoding: "utf8" });
}

let home: LoggedHome;
beforeAll(async () => {
  home = await loggedHome();
}, 60_000);

describe("audit", () => {
  it.skipIf(!HAS_SCRIPT)("shows on a terminal how far it is, and nothing of it in --json", () => {
    for (const [name, word] of [
      ["verify", "verifying"],
      ["replay", "replaying"],
    ] as const) {
      const args = ["audit", name, "--dir", home.dir];
      expect(onTerminal(args)).toMatch(
        new RegExp(`\\r\u001b\\[K${word} \\[#{30}\\] 100 %, 25 records`),
      );
      expect(JSON.parse(onTerminal([...args, "--json"]))).toMatchObject({ ok: true, records: 25 });
    }
  });
});
