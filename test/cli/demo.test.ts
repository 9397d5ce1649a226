import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { cli, jsonOf, tempFolder } from "./process.ts";

describe("demo", () => {
  it("allows what was granted, refuses attacks, used-up leases and flows upstream of nobody, and cleans up", async () => {
    const tmp = tempFolder();
    const result = await cli(["demo", "--json"], { env: { TMPDIR: tmp } });
    expect({ code: result.code, stderr: result.stderr }).toEqual({ code: 0, stderr: "" });
    const { ok, cases, passed, failed, fileWritten, audit } = jsonOf(result);
    expect({ ok, passed, failed, fileWritten, audit }).toEqual({
      ok: true,
      passed: 10,
      failed: 0,
      fileWritten: false,
      audit: [
        { command: "audit verify", ok: true },
        { command: "audit replay", ok: true },
      ],
    });
    const rows = Array.isArray(cases) ? cases : [];
    expect(rows.map((row) => [row.observed.reason, row.upstreamCalls])).toEqual([
      ["allowed", 1],
      ["allowed", 1],
      ["allowed", 1],
      ["allowed", 1],
      ["lease_exhausted", 0],
      ["taint_denied", 0],
      ["unknown_server", 0],
      ["fingerprint_drift", 0],
      ["tool_smuggle", 0],
      ["scope_escalation", 0],
    ]);
    expect(rows[1].observed.message).toContain("drawbridge");
    expect(readdirSync(tmp)).toEqual([]);
  });

  it("tells it as a story with a table, and keeps the folder when asked", async () => {
    const tmp = tempFolder();
    const { code, stdout } = await cli(["demo", "--keep"], { env: { TMPDIR: tmp } });
    expect(code).toBe(0);
    for (const reason of [
      "lease_exhausted",
      "taint_denied",
      "unknown_server",
      "fingerprint_drift",
      "tool_smuggle",
      "scope_escalation",
    ]) {
      expect(stdout).toMatch(new RegExp(`${reason} +0 +as expected`));
    }
    const refusals = stdout.split("\n").filter((line) => /^ {5}x/.test(line));
    expect(refusals).toEqual([
      ...[1, 2].map(() => expect.stringMatching(/^ {5}x refused `\w+` of `\w+` \(\w+\): \w/)),
      expect.stringMatching(/^ {5}x the guard does not start: expected a server of the catalog, /),
      ...[1, 2, 3].map(() => expect.stringMatching(/^ {5}x refused `\w+` of `\w+` \(\w+\): \w/)),
    ]);
    expect(stdout).toContain("all 10 as expected");
    expect(stdout).toMatch(/> replayed: \d+ decisions, all the same/);
    expect(stdout).not.toContain("\u001b");
    expect(readdirSync(tmp)).toHaveLength(1);
  });

  it("a machine without SQLite gets the tour without its lease; what needs the store is refused", async () => {
    const tmp = tempFolder();
    // as if the optional package were not installed, here and in the guards that are started
    const hide = join(tempFolder(), "hide.cjs");
    writeFileSync(
      hide,
      `const Module = require("node:module");
const load = Module._load;
Module._load = function (name, ...rest) {
  if (name === "better-sqlite3" || name === "node:sqlite") throw new Error("no such module");
  return load.call(this, name, ...rest);
};
`,
    );
    const env = { TMPDIR: tmp, NODE_OPTIONS: `--require=${hide}`, HOME: tmp };
    const result = await cli(["demo", "--json"], { env });
    const { ok, cases } = jsonOf(result);
    const rows = Array.isArray(cases) ? cases : [];
    expect(rows.map((row) => [row.title, row.observed.reason])).toEqual([
      ["allowed read", "allowed"],
      ["allowed read", "allowed"],
      ["allowed search", "allowed"],
      ["read, then post", "taint_denied"],
      ["unknown server", "unknown_server"],
      ["fingerprint drift", "fingerprint_drift"],
      ["tool smuggle", "tool_smuggle"],
      ["scope escalation", "scope_escalation"],
    ]);
    expect(ok).toBe(true);
  });

  it("says what to install when the MCP client is missing", async () => {
    // a loader that hides the package, as on a machine without it
    const hook =
      'export function resolve(s,c,n){if(s.startsWith("@modelcontextprotocol/sdk"))' +
      'throw Object.assign(new Error("Cannot find package"),{code:"ERR_MODULE_NOT_FOUND"});return n(s,c)}';
    const register =
      'import{register}from"node:module";register("data:text/javascript,' +
      `${encodeURIComponent(hook)}")`;
    const tmp = tempFolder();
    const env = {
      TMPDIR: tmp,
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(register)}`,
    };
    const { code, stdout, stderr } = await cli(["demo"], { env });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain("npm install --no-save @modelcontextprotocol/sdk");
    expect(stderr).toContain("(DEPENDENCY_MISSING)");
    expect(readdirSync(tmp)).toEqual([]);
  });
});
