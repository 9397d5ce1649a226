import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { utf8 } from "../../src/bytes.ts";
import { CATALOG_PAYLOAD_TYPE } from "../../src/catalog/verify-checks.ts";
import { createEnvelope, serializeEnvelope } from "../../src/sign/dsse.ts";
import { readPrivateKey } from "../../src/sign/key-file.ts";
import { signSshsig } from "../../src/sign/sshsig.ts";
import { cli, cliJson, expectFault, jsonOf, tempFolder } from "./process.ts";
import { fixtureCatalog, signedHome } from "./signed-home.ts";

const DAY_MS = 86_400_000;

async function sign(dir: string, key: string): Promise<Record<string, unknown>> {
  return cliJson(["sign", "--dir", dir, "--key", key]);
}

function payloadOf(dir: string): string {
  const envelope: unknown = JSON.parse(readFileSync(join(dir, "catalog.dsse.json"), "utf8"));
  const payload = typeof envelope === "object" && envelope !== null && "payload" in envelope;
  return Buffer.from(payload ? String(envelope.payload) : "", "base64").toString();
}

/** Asserts that a check fails with exit 1, and that `run` would not start: exit 2, same code. */
async function expectUntrusted(dir: string, code: string, check: string): Promise<void> {
  const report = await cli(["verify", "--dir", dir, "--json"]);
  expect({ ...report }).toMatchObject({ code: 1, stderr: "" });
  const { checks, error, ok } = jsonOf(report);
  expect({ ok, error }).toEqual({ ok: false, error: { code, message: expect.any(String) } });
  expect(Array.isArray(checks) ? checks.at(-1) : undefined).toMatchObject({
    name: check,
    ok: false,
  });
  const plain = await cli(["verify", "--dir", dir]);
  expect(plain.code).toBe(1);
  expect(plain.stdout).toContain(code);
  const run = await cli(["run", "--dir", dir, "--server", "mock"]);
  expect(run).toMatchObject({ code: 2, stdout: "", stderr: expect.stringMatching(/^[^\n]+\n$/) });
  expect(run.stderr).toContain(`(${code})`);
}

describe("sign", () => {
  it("wraps the exact bytes of the catalog and records its id", async () => {
    const { dir, key, catalogFile } = await signedHome({ signs: false });
    expect(readFileSync(join(dir, "config.toml"), "utf8")).not.toContain("\nid =");
    const report = await sign(dir, key);
    const text = readFileSync(catalogFile, "utf8");
    expect(payloadOf(dir)).toBe(text);
    const sha256 = createHash("sha256").update(text).digest("hex");
    expect(report).toMatchObject({ ok: true, id: "acme-agents", version: 1, missing: 0, sha256 });
    expect(readFileSync(join(dir, "config.toml"), "utf8")).toContain('\nid = "acme-agents"\n');
  });

  it("refuses another catalog id later on, and keeps the signed catalog", async () => {
    const { dir, key, catalogFile } = await signedHome();
    writeFileSync(catalogFile, fixtureCatalog().replace("acme-agents", "evil-agents"));
    await expectFault(["sign", "--dir", dir, "--key", key], "CATALOG_ID");
    expect(payloadOf(dir)).toContain("acme-agents");
  });

  it("refuses the id of an existing catalog when root init recorded another", async () => {
    const key = join(tempFolder(), "a.pem");
    const first = await signedHome({ signs: false });
    await cliJson(["key", "new", "--out", key]);
    rmSync(join(first.dir, "config.toml"));
    rmSync(join(first.dir, "root.1.dsse.json"));
    rmSync(join(first.dir, "keys"), { recursive: true });
    const report = await cliJson(["root", "init", "--key", key, "--dir", first.dir]);
    expect(report["id"]).toBe("acme-agents");
    const renamed = fixtureCatalog().replace("acme-agents", "other");
    writeFileSync(first.catalogFile, renamed);
    await expectFault(["sign", "--dir", first.dir, "--key", key], "CATALOG_ID");
  });

  it("never signs what cannot be loaded, and says where it is wrong", async () => {
    const { dir, key, catalogFile } = await signedHome({ signs: false });
    const text = fixtureCatalog();
    writeFileSync(catalogFile, text.replace('["fs.write"]', '["fs.wirte"]'));
    const line = await expectFault(["sign", "--dir", dir, "--key", key], "CATALOG_SCHEMA");
    const bad = readFileSync(catalogFile, "utf8")
      .split("\n")
      .findIndex((one) => one.includes("fs.wirte"));
    expect(line).toContain(`${catalogFile}:${bad + 1}:`);
    expect(line).toContain("`fs.wirte`");
    writeFileSync(catalogFile, `${text}\nnonsense`);
    expect(await expectFault(["sign", "--dir", dir, "--key", key], "CATALOG_SYNTAX")).toMatch(
      /catalog\.toml:\d+:\d+/,
    );
    expect(existsSync(join(dir, "catalog.dsse.json"))).toBe(false);
  });

  it.each([
    ["CATALOG_EXPIRED", Date.now() - 91 * DAY_MS, (text: string) => text],
    ["CATALOG_NOT_YET_VALID", Date.now() + DAY_MS, (text: string) => text],
    [
      "CATALOG_LIFETIME",
      Date.now(),
      (text: string) => text.replace(/^expires = .*$/m, "expires = 2099-01-01T00:00:00Z"),
    ],
  ])("refuses a catalog that this host would not load: %s", async (code, nowMs, edit) => {
    const { dir, key } = await signedHome({ signs: false, nowMs, edit });
    await expectFault(["sign", "--dir", dir, "--key", key], code);
    expect(existsSync(join(dir, "catalog.dsse.json"))).toBe(false);
  });

  it("refuses a key without the role catalog, the audit key above all", async () => {
    const { dir } = await signedHome();
    const stranger = join(tempFolder(), "mallory.pem");
    await cliJson(["key", "new", "--out", stranger]);
    await expectFault(["sign", "--dir", dir, "--key", stranger], "CATALOG_ROLE");
    const audit = join(dir, "keys", "audit.pem");
    await expectFault(["sign", "--dir", dir, "--key", audit], "CATALOG_ROLE");
    await expectFault(["sign", "--dir", dir], "USAGE");
  });

  it("finds the one catalog key in keys/", async () => {
    const { dir, key } = await signedHome({ signs: false });
    writeFileSync(join(dir, "keys", "alice.pem"), readFileSync(key), { mode: 0o600 });
    expect(await cliJson(["sign", "--dir", dir])).toMatchObject({ missing: 0 });
  });

  it("collects signatures up to the threshold, and counts one key once", async () => {
    const folder = tempFolder();
    const dir = join(folder, "home");
    const [alice, bob] = [join(folder, "alice.pem"), join(folder, "bob.pem")];
    for (const key of [alice, bob]) await cliJson(["key", "new", "--out", key]);
    await cliJson(["root", "init", "--key", `${alice},${bob}`, "--threshold", "2", "--dir", dir]);
    writeFileSync(join(dir, "catalog.toml"), fixtureCatalog());
    expect(await sign(dir, alice)).toMatchObject({ threshold: 2, missing: 1 });
    expect(await sign(dir, alice)).toMatchObject({ threshold: 2, missing: 1 });
    await expectUntrusted(dir, "CATALOG_THRESHOLD", "threshold");
    expect(await sign(dir, bob)).toMatchObject({ threshold: 2, missing: 0 });
    expect(await cliJson(["verify", "--dir", dir])).toMatchObject({ ok: true });
    // other bytes: the old signatures do not carry over
    writeFileSync(join(dir, "catalog.toml"), `${fixtureCatalog()}# reviewed\n`);
    expect(await sign(dir, bob)).toMatchObject({ threshold: 2, missing: 1 });
  });

  it("refuses a version that was accepted before with other bytes, and an older one", async () => {
    const { dir, key, catalogFile } = await signedHome({
      edit: (text) => text.replace("version = 1", "version = 5"),
    });
    // `run` accepts the catalog and remembers it; its server is no MCP server and ends at once
    await cli(["run", "--dir", dir, "--server", "mock"]);
    expect(existsSync(join(dir, "state.json"))).toBe(true);
    const text = readFileSync(catalogFile, "utf8");
    writeFileSync(catalogFile, `${text}# changed\n`);
    await expectFault(["sign", "--dir", dir, "--key", key], "CATALOG_EQUIVOCATION");
    writeFileSync(catalogFile, text.replace("version = 5", "version = 4"));
    await expectFault(["sign", "--dir", dir, "--key", key], "CATALOG_ROLLBACK");
    writeFileSync(catalogFile, text.replace("version = 5", "version = 6"));
    expect(await sign(dir, key)).toMatchObject({ version: 6 });
  });

  it("needs a home, a root and a catalog", async () => {
    const folder = tempFolder();
    const line = await expectFault(["sign", "--dir", join(folder, "none")], "HOME_INCOMPLETE");
    expect(line).toContain("portcullis root init");
    await expectFault(["sign", "--dir", folder], "HOME_INCOMPLETE");
  });
});

describe("verify", () => {
  it("names every check, and changes nothing", async () => {
    const { dir } = await signedHome();
    const { checks, ok } = await cliJson(["verify", "--dir", dir]);
    expect(ok).toBe(true);
    const names = Array.isArray(checks) ? checks.map((check) => check.name) : [];
    expect(names).toEqual(
      "state envelope root signature role threshold type schema expiry lifetime issued version id image".split(
        " ",
      ),
    );
    expect(existsSync(join(dir, "state.json"))).toBe(false);
    const explained = await cli(["verify", "--dir", dir, "--explain"]);
    for (const name of names) expect(explained.stdout).toContain(name);
  });

  it("finds a changed payload, signature and catalog id", async () => {
    const { dir } = await signedHome();
    const file = join(dir, "catalog.dsse.json");
    const good = readFileSync(file, "utf8");
    const payload = Buffer.from(payloadOf(dir).replace("fs.read", "fs.writ")).toString("base64");
    writeFileSync(file, good.replace(/"payload":"[^"]*"/, `"payload":"${payload}"`));
    await expectUntrusted(dir, "CATALOG_SIGNATURE_INVALID", "signature");
    writeFileSync(file, `${good}x`);
    await expectUntrusted(dir, "CATALOG_ENVELOPE", "envelope");
    writeFileSync(file, good);
    const config = join(dir, "config.toml");
    writeFileSync(config, readFileSync(config, "utf8").replace("acme-agents", "other"));
    await expectUntrusted(dir, "CATALOG_ID", "id");
  });

  it("finds a swapped root, a missing root and a damaged state", async () => {
    const [home, other] = [await signedHome(), await signedHome()];
    const root = join(home.dir, "root.1.dsse.json");
    const good = readFileSync(root);
    writeFileSync(root, readFileSync(join(other.dir, "root.1.dsse.json")));
    await expectUntrusted(home.dir, "ROOT_PIN", "root");
    rmSync(root);
    await expectUntrusted(home.dir, "ROOT_CHAIN", "root");
    writeFileSync(root, good);
    writeFileSync(join(home.dir, "state.json"), "{}");
    await expectUntrusted(home.dir, "STATE_CORRUPT", "state");
  });

  it("finds an expired catalog, which check takes for a fault", async () => {
    const { dir, key } = await signedHome();
    const signer = await readPrivateKey(readFileSync(key, "utf8"));
    const expired = utf8(fixtureCatalog({ nowMs: Date.now() - 90 * DAY_MS - 1000 }));
    const envelope = createEnvelope(CATALOG_PAYLOAD_TYPE, expired, [signer]);
    writeFileSync(join(dir, "catalog.dsse.json"), serializeEnvelope(envelope));
    await expectUntrusted(dir, "CATALOG_EXPIRED", "expiry");
    const argv = ["check", "--dir", dir, "--server", "mock", "--tool", "echo"];
    await expectFault(argv, "CATALOG_EXPIRED");
  });

  it("takes OpenSSH signatures when there is no envelope, and never both", async () => {
    const { dir, key, catalogFile } = await signedHome();
    const envelope = join(dir, "catalog.dsse.json");
    const good = readFileSync(envelope);
    const signer = await readPrivateKey(readFileSync(key, "utf8"));
    const signature = `${catalogFile}.${signer.keyid.slice(0, 8)}.sig`;
    writeFileSync(signature, signSshsig(readFileSync(catalogFile), signer));
    rmSync(envelope);
    expect(await cliJson(["verify", "--dir", dir])).toMatchObject({ ok: true });
    const argv = ["check", "--dir", dir, "--server", "mock", "--tool", "echo"];
    expect(await cliJson(argv)).toMatchObject({ ok: true });
    writeFileSync(catalogFile, `${readFileSync(catalogFile, "utf8")}# more\n`);
    await expectUntrusted(dir, "CATALOG_SIGNATURE_INVALID", "signature");
    writeFileSync(envelope, good);
    expect(await cliJson(["verify", "--dir", dir])).toMatchObject({ ok: true });
  });

  it("reports a catalog that nobody signed", async () => {
    const { dir } = await signedHome({ signs: false });
    await expectUntrusted(dir, "CATALOG_ENVELOPE", "envelope");
  });

  it("is usage or configuration when there is no home or no pin", async () => {
    const folder = tempFolder();
    await expectFault(["verify", "--dir", join(folder, "none")], "HOME_INCOMPLETE");
    await expectFault(["verify", "--dir", folder], "HOME_INCOMPLETE");
  });
});
