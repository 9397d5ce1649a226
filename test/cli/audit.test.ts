// `portcullis audit`, as an operator and an auditor use it.
import { spawn } from "node:child_process";
import { appendFileSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { utf8 } from "../../src/bytes.ts";
import { canonicalBytes } from "../../src/kernel/strict-json.ts";
import { readPrivateKey } from "../../src/sign/key-file.ts";
import { type LoggedHome, loggedHome, TIME, TOOL } from "./logged-home.ts";
import { cli, cliJson, expectFault, jsonOf, MAIN, tempFolder } from "./process.ts";
import { SERVER } from "./signed-home.ts";

const SCHEMA = "../shared/data/aep-record.schema.json";

let home: LoggedHome;
beforeAll(async () => {
  home = await loggedHome();
}, 60_000);

/** A copy of the home that may be changed. */
function copied(): string {
  const dir = join(tempFolder(), "home");
  cpSync(home.dir, dir, { recursive: true });
  return dir;
}

describe("audit verify", () => {
  it("says what it verified, log by log", async () => {
    const plain = await cli(["audit", "verify", "--dir", home.dir]);
    expect(plain).toMatchObject({ code: 0, stderr: "" });
    expect(plain.stdout).toContain("verified: 2 logs, 25 records, ");
    expect(plain.stdout).toContain("no clean end: in use, or its process died");
    const json = await cliJson(["audit", "verify", "--dir", home.dir]);
    expect(json).toMatchObject({ ok: true, records: 25, refusals: 4, findings: [] });
    expect(json["checkpoints"]).toBeGreaterThan(2);
    expect(json["logs"]).toMatchObject([
      { origin: home.origins[0], ok: true, end: "closed", records: 13 },
      { origin: home.origins[1], ok: true, end: "open", records: 12 },
    ]);
  });

  it("exits 1 with the code, the log and the record when one was altered", async () => {
    const dir = copied();
    const file = join(dir, "audit", `${home.origins[0]}.jsonl`);
    const lines = readFileSync(file, "utf8").split("\n");
    const index = lines.findIndex((line) => line.includes('"decision":"deny"'));
    lines[index] = lines[index]?.replace('"decision":"deny"', '"decision":"allow"') ?? "";
    writeFileSync(file, lines.join("\n"));
    const result = await cli(["audit", "verify", "--dir", dir, "--json"]);
    expect(result.code).toBe(1);
    expect(jsonOf(result)).toMatchObject({
      ok: false,
      error: { code: expect.stringMatching(/^AUDIT_(LEAF|SEQUENCE)$/), origin: home.origins[0] },
    });
    const plain = await cli(["audit", "verify", "--dir", dir]);
    expect(plain.stdout).toMatch(/FAILED box-1-\d+ record \d+: expected /);
  });

  it("misses a registered log, and one that was cut against a kept checkpoint", async () => {
    const dir = copied();
    const kept = join(dir, "kept.checkpoint");
    cpSync(join(dir, "audit", `${home.origins[1]}.checkpoint`), kept);
    await cliJson(["audit", "verify", "--dir", dir, "--against", kept]);
    const file = join(dir, "audit", `${home.origins[1]}.jsonl`);
    const [open = ""] = readFileSync(file, "utf8").split("\n");
    writeFileSync(file, `${open}\n`);
    for (const name of ["checkpoint", "checkpoints", "denied.jsonl"]) {
      rmSync(join(dir, "audit", `${home.origins[1]}.${name}`));
    }
    await cliJson(["audit", "verify", "--dir", dir]);
    const cut = await cli(["audit", "verify", "--dir", dir, "--against", kept, "--json"]);
    expect(jsonOf(cut)).toMatchObject({ ok: false, error: { code: "AUDIT_TRUNCATED", seq: 1 } });
    rmSync(file);
    const gone = await cli(["audit", "verify", "--dir", dir, "--json"]);
    expect(gone.code).toBe(1);
    expect(jsonOf(gone)).toMatchObject({
      error: { code: "AUDIT_LOG_MISSING", origin: home.origins[1] },
    });
  });

  it("verifies one log alone, and the copy of a folder", async () => {
    const dir = copied();
    rmSync(join(dir, "audit", `${home.origins[0]}.jsonl`));
    const origin = home.origins[1] ?? "";
    expect(await cliJson(["audit", "verify", "--dir", dir, "--origin", origin])).toMatchObject({
      records: 12,
    });
    const logs = join(home.dir, "audit");
    expect(await cliJson(["audit", "verify", "--dir", dir, "--logs", logs])).toMatchObject({
      records: 25,
    });
    await expectFault(
      ["audit", "verify", "--dir", dir, "--origin", "none-1-1"],
      "ARGUMENT_INVALID",
    );
    await expectFault(["audit", "verify", "--dir", dir, "--against", "none"], "FILE_UNREADABLE");
    await expectFault(["audit", "verify", "--dir", join(dir, "none")], "HOME_INCOMPLETE");
  });

  it("verifies what an older trust root's key signed, after a rotation of the audit key", async () => {
    const dir = copied();
    const key = join(tempFolder(), "audit-2.pem");
    await cliJson(["key", "new", "--out", key]);
    await cliJson(["root", "add-key", "a2", "--key", key, "--role", "audit", "--dir", dir]);
    await cliJson(["root", "drop-key", "audit", "--dir", dir]);
    await cliJson(["root", "sign", "--key", home.key, "--dir", dir]);
    expect(await cliJson(["root", "show", "--dir", dir])).toMatchObject({ version: 2 });
    expect(await cliJson(["audit", "verify", "--dir", dir])).toMatchObject({
      ok: true,
      records: 25,
    });
    expect(await cliJson(["audit", "replay", "--dir", dir])).toMatchObject({
      ok: true,
      frames: 20,
    });
  });
});

describe("audit replay", () => {
  it("decides everything again, twice to the same digest", async () => {
    const first = await cliJson(["audit", "replay", "--dir", home.dir]);
    expect(first).toMatchObject({ ok: true, records: 25, frames: 20 });
    expect(await cliJson(["audit", "replay", "--dir", home.dir])).toEqual(first);
    const plain = await cli(["audit", "replay", "--dir", home.dir]);
    expect(plain.stdout).toContain(
      `replayed: 20 decisions, all the same; sha256 ${first["outputs"]}`,
    );
  });

  it("fails without the catalog that the records name", async () => {
    const dir = copied();
    const name = `${home.guard.verified.sha256}.dsse.json`;
    rmSync(join(dir, "audit", "objects", name));
    const result = await cli(["audit", "replay", "--dir", dir, "--json"]);
    expect(result.code).toBe(1);
    expect(jsonOf(result)).toMatchObject({ ok: false, error: { code: "AUDIT_CATALOG", seq: 0 } });
  });
});

describe("audit show", () => {
  it("shows what was decided, by time, without hidden characters", async () => {
    const { code, stdout } = await cli(["audit", "show", "--dir", home.dir]);
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(26);
    expect(lines[0]).toMatch(
      /^time +kind +decision +reason +server +tool +principal +session +record$/,
    );
    expect(stdout).toContain("<U+202E>smuggled");
    expect(stdout).not.toContain("\u202e");
    const times = lines.slice(1).map((line) => line.slice(0, 24));
    expect(times).toEqual(times.toSorted());
  });

  it.each([
    [["--decision", "deny"], 4],
    [["--tool", TOOL], 16],
    [["--server", SERVER], 22],
    [["--server", "other"], 0],
    [["--reason", "tool_smuggle"], 4],
    [["--kind", "list"], 2],
    [["--session", "0".repeat(8)], 0],
    [["--since", new Date(TIME + 15_000).toISOString()], 6],
    [["--until", new Date(TIME + 1_000).toISOString()], 5],
    [["--since", "1d", "--decision", "allow"], 18],
    [["--limit", "3"], 3],
  ])("filters by %j", async (options, count) => {
    const { records } = await cliJson(["audit", "show", "--dir", home.dir, ...options]);
    expect(records).toHaveLength(count);
  });

  it("counts by attack class", async () => {
    const json = await cliJson(["audit", "show", "--summary", "--dir", home.dir]);
    expect(json).toMatchObject({ records: 25, decisions: { allow: 18, deny: 4 } });
    expect(json["attacks"]).toMatchObject([
      { class: "unknown-server smuggle", reason: "unknown_server", count: 0, last: null },
      { class: "tool smuggle", reason: "tool_smuggle", count: 4, servers: [SERVER] },
      { class: "fingerprint drift", count: 0 },
      { class: "scope escalation", count: 0 },
    ]);
    const { stdout } = await cli(["audit", "show", "--summary", "--dir", home.dir]);
    expect(stdout).toMatch(/^25 records: allow 18, deny 4\n/);
    expect(stdout).toMatch(/tool smuggle +tool_smuggle +4 +\d{4}-/);
  });

  it("refuses options that mean nothing", async () => {
    for (const options of [
      ["--decision", "maybe"],
      ["--kind", "thing"],
      ["--since", "yesterday"],
      ["--since", "2026-13-45"],
      ["--limit", "0"],
      ["--limit", "1000001"],
    ]) {
      await expectFault(["audit", "show", "--dir", home.dir, ...options], "USAGE");
    }
    const both = await cli(["audit", "show", "--summary", "--follow", "--dir", home.dir]);
    expect(both).toMatchObject({ code: 2 });
    expect(both.stderr).toContain("expected --summary or --follow, got both");
  });

  it("follows records as they are written, whole lines only, in every file", async () => {
    const dir = copied();
    const folder = join(dir, "audit");
    const args = ["audit", "show", "--follow", "--json", "--limit", "2", "--dir", dir];
    const child = spawn(process.execPath, [MAIN, ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const seen: Record<string, unknown>[] = [];
    let rest = "";
    child.stdout.on("data", (chunk: Buffer) => {
      const parts = (rest + chunk.toString()).split("\n");
      rest = parts.pop() ?? "";
      for (const line of parts) seen.push(JSON.parse(line));
    });
    const until = async (count: number): Promise<void> => {
      for (let wait = 0; seen.length < count; wait++) {
        if (wait > 1000) expect.fail(`saw ${seen.length} of ${count}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    await until(2);
    const file = join(folder, `${home.origins[1]}.jsonl`);
    const line = readFileSync(file, "utf8").split("\n")[5] ?? "";
    appendFileSync(file, line.slice(0, 100));
    appendFileSync(join(folder, "new-9-9.jsonl"), `${line}\n`);
    await until(3);
    appendFileSync(file, `${line.slice(100)}\n`);
    await until(4);
    expect(seen.slice(2)).toMatchObject([
      { origin: "new-9-9" },
      { origin: home.origins[1], seq: 5 },
    ]);
    const exit = new Promise((resolve) => child.on("close", resolve));
    child.kill("SIGINT");
    expect(await exit).toBe(0);
  });
});

describe("audit export", () => {
  it("gives the records as they are", async () => {
    const { code, stdout } = await cli(["audit", "export", "--format", "jsonl", "--dir", home.dir]);
    expect(code).toBe(0);
    const files = home.origins.map((origin) =>
      readFileSync(join(home.dir, "audit", `${origin}.jsonl`), "utf8"),
    );
    expect(stdout).toBe(files.join(""));
    const some = await cli([
      "audit",
      "export",
      "--format",
      "jsonl",
      "--decision",
      "deny",
      "--dir",
      home.dir,
    ]);
    expect(some.stdout.split("\n")).toHaveLength(5);
  });

  it("gives spans as one OTLP document", async () => {
    const file = join(tempFolder(), "spans.json");
    const args = ["audit", "export", "--format", "otel", "--out", file, "--dir", home.dir];
    expect(await cliJson(args)).toMatchObject({ ok: true, file, format: "otel", records: 22 });
    const { resourceSpans } = JSON.parse(readFileSync(file, "utf8"));
    expect(resourceSpans).toHaveLength(2);
    const { spans } = resourceSpans[0].scopeSpans[0];
    expect(spans).toHaveLength(11);
    for (const span of spans) {
      expect(span.traceId).toMatch(/^[0-9a-f]{32}$/);
      expect(span.spanId).toMatch(/^[0-9a-f]{16}$/);
    }
    const refused = spans.find(({ status }: { status: { code: number } }) => status.code === 2);
    expect(refused.name).toBe("tools/call \u202esmuggled");
    expect(refused.attributes).toContainEqual({
      key: "error.type",
      value: { stringValue: "tool_smuggle" },
    });
    await expectFault(args, "FILE_EXISTS");
  });

  it("gives AEP records that are valid and signed by the audit key", async () => {
    const { code, stdout } = await cli(["audit", "export", "--format", "aep", "--dir", home.dir]);
    expect(code).toBe(0);
    const records = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(records).toHaveLength(2);
    const key = (await readPrivateKey(readFileSync(join(home.dir, "keys", "audit.pem"), "utf8")))
      .publicKey;
    for (const { signature, ...body } of records) {
      expect(signature.key_id).toBe(key.keyid);
      expect(key.verify(canonicalBytes(body), Buffer.from(signature.sig, "base64"))).toBe(true);
      expect(body.policy_bundle_digest).toBe(`sha256:${home.guard.verified.sha256}`);
      expect(body.actions).toHaveLength(10);
    }
    const [record] = records;
    const denied = record.actions.find(
      (action: { capability_decision: { decision: string } }) =>
        action.capability_decision.decision === "deny",
    );
    expect(denied.capability_decision).toMatchObject({
      ...{ capability: "tools/call", resource: SERVER, reason_code: "tool_smuggle" },
      ...{ deny_reason_class: "tool-identity", approval_mode: "policy-deny-with-evidence" },
    });
  });

  it.skipIf(!hasSchema())("AEP records validate against the schema of ../shared/data", async () => {
    const { stdout } = await cli(["audit", "export", "--format", "aep", "--dir", home.dir]);
    const require = createRequire(import.meta.url);
    const Ajv = require("ajv").default;
    const validate = new Ajv({ strict: false }).compile(JSON.parse(readFileSync(SCHEMA, "utf8")));
    for (const line of stdout.trimEnd().split("\n")) {
      expect(validate(JSON.parse(line)), JSON.stringify(validate.errors)).toBe(true);
    }
  });

  it("exports nothing of logs that do not verify", async () => {
    const dir = copied();
    const file = join(dir, "audit", `${home.origins[0]}.jsonl`);
    writeFileSync(file, readFileSync(file, "utf8").replace('"code":3', '"code":1'));
    const result = await cli(["audit", "export", "--format", "jsonl", "--dir", dir]);
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toContain("(AUDIT_");
    const out = join(dir, "out.jsonl");
    const json = await cli([
      "audit",
      "export",
      "--format",
      "jsonl",
      "--out",
      out,
      "--dir",
      dir,
      "--json",
    ]);
    expect(json.code).toBe(1);
    expect(readdirSync(dir)).not.toContain("out.jsonl");
  });

  it("needs a format, and --out beside --json", async () => {
    await expectFault(
      ["audit", "export", "--format", "csv", "--out", "x", "--dir", home.dir],
      "USAGE",
    );
    const result = await cli(["audit", "export", "--format", "jsonl", "--json", "--dir", home.dir]);
    expect(jsonOf(result)).toMatchObject({ ok: false, error: { code: "USAGE" } });
    expect(utf8(result.stdout).length).toBeGreaterThan(10);
  });
});

function hasSchema(): boolean {
  try {
    return readFileSync(SCHEMA).length > 0;
  } catch {
    return false;
  }
}
