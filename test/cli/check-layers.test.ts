// `check` through the layers behind the catalog guard: what is asked is what a guard would do, and
// asking uses nothing up.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { HEADER_OFFSET_IMAGE_SHA256 } from "../../src/abi/layout.ts";
import { VERDICT_CONSENT_REQUIRED } from "../../src/abi/verdict.ts";
import { writeLock } from "../../src/catalog/lock.ts";
import { TrustedCatalog } from "../../src/catalog/trusted.ts";
import { principalHash, sessionHash } from "../../src/guard/identity-hash.ts";
import { canonicalize } from "../../src/kernel/strict-json.ts";
import { fingerprintTool } from "../../src/manifest/fingerprint.ts";
import type { Consent } from "../../src/store/records.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import type { SyncStateStore } from "../../src/store/types.ts";
import { FIXTURE_TOOLS } from "../../src/testing/fixtures.ts";
import { consent, hash, lease } from "../store/fixtures.ts";
import { cli, cliJson, expectFault, jsonOf, tempFolder } from "./process.ts";
import { type SignedHome, signedHome } from "./signed-home.ts";

const POLICY = `
[servers.mock.tools.read_text_file.args]
"/path" = { under = ["/workspace"] }

[[rules]]
id = "try-deletes"
when = { effect = ["destructive"] }
then = "dry_run"

[[rules]]
id = "ask-without-lease"
when = { tool = ["write_file"], lease = false }
then = "ask_user"
`;

let home: SignedHome;

beforeAll(async () => {
  home = await signedHome({
    edit: (text) =>
      `${text
        .replace(/(tools\.write_file\][\s\S]*?effect = "write"\n)/, '$1requires = ["lease"]\n')
        .replace(/(tools\.fetch_url\][\s\S]*?effect = "external"\n)/, '$1requires = ["consent"]\n')
        .replace(
          /(tools\.echo\][\s\S]*?effect = "read"\n)/,
          '$1stops_taint = ["secret"]\n',
        )}${POLICY}`,
  });
});

function withStore<T>(action: (store: SyncStateStore) => T): T {
  const store = openSqliteStore(join(home.dir, "state.db"));
  try {
    return action(store);
  } finally {
    store.close();
  }
}

function toolFile(name: string): string {
  const file = join(tempFolder(), "tool.json");
  writeFileSync(file, JSON.stringify(FIXTURE_TOOLS.find((tool) => tool.name === name)));
  return file;
}

interface Checked {
  readonly code: number | null;
  readonly decision: Record<string, unknown>;
  readonly results: ReadonlyMap<string, string>;
  readonly details: ReadonlyMap<string, string>;
}

/** Runs `check` for one tool of the mock server; gives what each layer says. */
async function check(tool: string, ...args: readonly string[]): Promise<Checked> {
  const argv = ["check", "--dir", home.dir, "--server", "mock", "--tool", tool, ...args, "--json"];
  const result = await cli(argv);
  expect(result.stderr).toBe("");
  const { decision, layers } = jsonOf(result);
  const listed: readonly Record<string, string>[] = Array.isArray(layers) ? layers : [];
  return {
    code: result.code,
    decision: Object.fromEntries(Object.entries(Object(decision))),
    results: new Map(listed.map((one) => [one["layer"] ?? "", one["result"] ?? ""])),
    details: new Map(listed.map((one) => [one["layer"] ?? "", one["detail"] ?? ""])),
  };
}

describe("the document", () => {
  it("has exactly the members that others read", async () => {
    const argv = ["check", "--dir", home.dir, "--server", "mock", "--tool", "echo"];
    const document = await cliJson(argv);
    expect(Object.keys(document)).toEqual(["ok", "admission", "decision", "layers"]);
    expect(Object.keys(Object(document["decision"]))).toEqual(
      "outcome reason code layer message".split(" "),
    );
  });
});

describe("arguments", () => {
  const READ = ["--tool-json"];

  it("are held against constraints and the schema of the given definition", async () => {
    const given = [...READ, toolFile("read_text_file"), "--args"];
    const fine = await check("read_text_file", ...given, '{"path":"/workspace/a"}');
    expect(fine).toMatchObject({ code: 0, decision: { reason: "allowed" } });
    expect(fine.results.get("arguments")).toBe("pass");
    expect(fine.results.get("schema")).toBe("pass");
    const outside = await check("read_text_file", ...given, '{"path":"/workspace/../etc"}');
    expect(outside).toMatchObject({ code: 1, decision: { reason: "argument_denied" } });
    expect(outside.results.get("arguments")).toBe("refuse");
    expect(outside.details.get("arguments")).toContain("/path");
    const wrong = await check("read_text_file", ...given, '{"path":"/workspace/a","more":1}');
    expect(wrong).toMatchObject({
      code: 1,
      decision: { reason: "argument_denied", layer: "arguments" },
    });
    expect(wrong.results.get("schema")).toBe("refuse");
    expect(wrong.results.get("arguments")).toBe("pass");
  });

  it("are refused where neither a definition nor a lock is at hand", async () => {
    const checked = await check("echo", "--args", '{"message":"a"}');
    expect(checked).toMatchObject({ code: 1, decision: { reason: "argument_denied" } });
    expect(checked.results.get("schema")).toBe("refuse");
  });

  it("are held against the lock, whose text counts only with a pinned digest", async () => {
    const lockFile = join(home.dir, "catalog.lock.json");
    const definition = FIXTURE_TOOLS.find(({ name }) => name === "echo");
    const canonical = canonicalize(JSON.stringify(definition));
    const lockOf = (text: string): string =>
      writeLock({
        servers: new Map([
          [
            "mock",
            {
              items: [
                { kind: "tool", name: "echo", digest: fingerprintTool(canonical), canonical: text },
              ],
            },
          ],
        ]),
      });
    writeFileSync(lockFile, lockOf(canonical));
    expect(await check("echo", "--args", '{"message":"a"}')).toMatchObject({ code: 0 });
    const wrong = await check("echo", "--args", '{"message":1}');
    expect(wrong.results.get("schema")).toBe("refuse");
    const vetted = await check("echo");
    expect(vetted.results.get("vetting")).toBe("pass");
    // the lock is not signed: a text of another digest is no text
    writeFileSync(lockFile, lockOf('{"inputSchema":{"type":"object"},"name":"echo"}'));
    expect(await check("echo", "--args", '{"message":1}')).toMatchObject({ code: 1 });
    expect((await check("echo")).results.get("vetting")).toBe("not_given");
    writeFileSync(lockFile, "{");
    const argv = ["check", "--dir", home.dir, "--server", "mock", "--tool", "echo"];
    const damaged = await cli(argv);
    expect(damaged).toMatchObject({ code: 0 });
    expect(damaged.stderr).toMatch(/catalog\.lock\.json: expected json; [^\n]+\n$/);
    writeFileSync(lockFile, '{"version":1,"servers":{}}\n');
  });

  it("that name the guard's own home are refused", async () => {
    const path = join(home.dir, "catalog.toml");
    const given = ["--tool-json", toolFile("echo"), "--args", JSON.stringify({ message: path })];
    const refused = await check("echo", ...given);
    expect(refused).toMatchObject({ code: 1, decision: { reason: "argument_denied" } });
  });

  it("that are not given leave the decision to the other layers, and never count as fine", async () => {
    const checked = await check("read_text_file");
    expect(checked).toMatchObject({ code: 0, decision: { reason: "allowed" } });
    expect(checked.results.get("arguments")).toBe("not_given");
    expect(checked.results.get("schema")).toBe("not_given");
    const refused = await check("write_file");
    expect(refused).toMatchObject({ code: 1, decision: { reason: "lease_required" } });
    expect(refused.results.get("arguments")).toBe("not_given");
  });
});

describe("rules", () => {
  it("are named with what they come to", async () => {
    const checked = await check("delete_file");
    expect(checked).toMatchObject({
      code: 1,
      decision: { outcome: "dry_run", reason: "policy_dry_run", layer: "rules" },
    });
    expect(checked.results.get("rules")).toBe("dry_run");
    expect(checked.details.get("rules")).toContain("`try-deletes`");
    expect(checked.results.get("taint")).toBe("pass");
  });

  it("every layer that speaks against the call is listed, not the first alone", async () => {
    const { decision, results } = await check("write_file");
    expect(decision).toMatchObject({ outcome: "deny", layer: "lease" });
    expect(results.get("rules")).toBe("ask");
    expect(results.get("lease")).toBe("refuse");
    expect(results.get("taint")).toBe("not_evaluated");
  });
});

describe("leases, approvals and labels", () => {
  const NOW = Date.now();
  const live = { createdAtMs: NOW - 1000, expiresAtMs: NOW + 600_000 };
  const who = { principalHash: principalHash("local"), serverId: "mock" };

  it("a lease is seen and not used, however often it is asked", async () => {
    const grant = {
      ...live,
      ...who,
      grantedTools: ["write_file"],
      maxInvocations: 1,
      remaining: 1,
    };
    withStore((store) => store.putLease(lease(1, grant)));
    for (let round = 0; round < 2; round++) {
      const checked = await check("write_file");
      expect(checked).toMatchObject({ code: 0, decision: { reason: "allowed" } });
      expect(checked.results.get("lease")).toBe("pass");
    }
    expect(withStore((store) => store.getLease(hash(1))?.remaining)).toBe(1);
    expect(await check("write_file", "--principal", "other")).toMatchObject({
      decision: { reason: "lease_required" },
    });
    withStore((store) => store.revokeLease(hash(1)));
    expect(await check("write_file")).toMatchObject({ decision: { reason: "lease_required" } });
  });

  it("a lease for certain arguments says nothing about arguments that were not given", async () => {
    const bound = { argsDigest: `sha256:${hash(7)}`, maxInvocations: null, remaining: null };
    withStore((store) =>
      store.putLease(lease(2, { ...live, ...who, ...bound, grantedTools: ["write_file"] })),
    );
    expect(await check("write_file")).toMatchObject({ decision: { reason: "lease_required" } });
    withStore((store) => store.revokeLease(hash(2)));
  });

  it("labels of the session count, and asking adds none", async () => {
    withStore((store) => store.addTaint(sessionHash("work"), 0b100));
    const tainted = await check("echo", "--session", "work");
    expect(tainted).toMatchObject({
      code: 1,
      decision: { outcome: "ask_user", reason: "taint_review", layer: "taint" },
    });
    expect(tainted.results.get("taint")).toBe("ask");
    const other = await check("echo", "--session", "other");
    expect(other).toMatchObject({ code: 0 });
    expect(withStore((store) => store.getTaint(sessionHash("other")))).toBe(0);
    expect(await check("echo")).toMatchObject({ code: 0 });
    const argv = ["check", "--dir", home.dir, "--server", "mock", "--tool", "echo"];
    const env = { PORTCULLIS_SESSION: "work" };
    expect((await cli(argv, { env })).code).toBe(1);
    await expectFault([...argv, "--session", ""], "USAGE");
  });

  it("an approval for any arguments is seen and not used; a later question it does not cover", async () => {
    expect(await check("fetch_url")).toMatchObject({ decision: { reason: "consent_required" } });
    const fetch = FIXTURE_TOOLS.find(({ name }) => name === "fetch_url") ?? {};
    const image = await imageDigest();
    const approval: Consent = consent(1, {
      ...live,
      ...who,
      itemName: "fetch_url",
      itemFingerprint: fingerprintTool(fetch),
      sessionHash: sessionHash("s"),
      imageDigest: image,
      asking: (1 << VERDICT_CONSENT_REQUIRED) >>> 0,
      taint: 0,
      argsDigest: null,
    });
    withStore((store) => store.putConsent(approval));
    for (let round = 0; round < 2; round++) {
      const covered = await check("fetch_url", "--session", "s");
      expect(covered).toMatchObject({ code: 0, decision: { reason: "allowed" } });
      expect(covered.details.get("consent")).toBe("required; an approval covers it");
    }
    expect(withStore((store) => store.listConsents())).toHaveLength(1);
    expect(await check("fetch_url", "--session", "t")).toMatchObject({ code: 1 });
    withStore((store) => store.addTaint(sessionHash("s"), 0b10));
    expect(await check("fetch_url", "--session", "s")).toMatchObject({
      decision: { reason: "consent_required" },
    });
  });

  it("what drifted under this catalog has drifted for every process", async () => {
    const { payload }: { payload: string } = JSON.parse(
      readFileSync(join(home.dir, "catalog.dsse.json"), "utf8"),
    );
    const digest = await crypto.subtle.digest("SHA-256", Buffer.from(payload, "base64"));
    const catalogSha256 = Buffer.from(digest).toString("hex");
    withStore((store) =>
      store.addDrift({ serverId: "mock", kind: "tool", name: "echo", catalogSha256 }),
    );
    expect(await check("echo")).toMatchObject({
      code: 1,
      decision: { reason: "fingerprint_drift", layer: "admission" },
    });
    // on_drift = "block-server" is the default
    expect(await check("read_text_file")).toMatchObject({
      decision: { reason: "server_not_admitted", layer: "admission" },
    });
  });
});

/** SHA-256 of the image of the home's catalog. */
async function imageDigest(): Promise<string> {
  const { image } = await TrustedCatalog.open({
    envelope: readFileSync(join(home.dir, "catalog.dsse.json")),
    root: [readFileSync(join(home.dir, "root.1.dsse.json"))],
  });
  const at = HEADER_OFFSET_IMAGE_SHA256;
  return Buffer.from(image.slice(at, at + 32)).toString("hex");
}
