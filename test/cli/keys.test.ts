import { createPrivateKey, createPublicKey } from "node:crypto";
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { readPublicKey } from "../../src/sign/key-file.ts";
import { cli, cliJson, expectFault, tempFolder } from "./process.ts";

const PASSPHRASE = "correct horse battery staple";

function mode(file: string): number {
  return statSync(file).mode & 0o777;
}

async function newKey(name = "alice.pem", env: Record<string, string> = {}): Promise<string> {
  const file = join(tempFolder(), name);
  await cliJson(
    ["key", "new", "--out", file, ...(env["PORTCULLIS_KEY_PASSPHRASE"] ? ["--encrypt"] : [])],
    { env },
  );
  return file;
}

describe("key new", () => {
  it("writes a pair that other software reads, the private half for its owner alone", async () => {
    const file = join(tempFolder(), "alice.pem");
    const { keyid, ok, encrypted } = await cliJson(["key", "new", "--out", file]);
    expect({ ok, encrypted }).toEqual({ ok: true, encrypted: false });
    expect(mode(file)).toBe(0o600);
    const publicText = readFileSync(`${file}.pub`, "utf8");
    expect(readPublicKey(publicText).keyid).toBe(keyid);
    const fromPrivate = createPublicKey(createPrivateKey(readFileSync(file, "utf8")));
    expect(fromPrivate.asymmetricKeyType).toBe("ed25519");
    expect(fromPrivate.export({ type: "spki", format: "pem" }).toString().trim()).toBe(
      publicText.trim(),
    );
  });

  it("encrypts with the passphrase of the environment and never prints it", async () => {
    const file = join(tempFolder(), "alice.pem");
    const env = { PORTCULLIS_KEY_PASSPHRASE: PASSPHRASE };
    const { code, stdout, stderr } = await cli(["key", "new", "--out", file, "--encrypt"], { env });
    expect(code).toBe(0);
    expect(stdout + stderr).not.toContain(PASSPHRASE);
    const text = readFileSync(file, "utf8");
    expect(text).toMatch(/^-----BEGIN ENCRYPTED PRIVATE KEY-----/);
    expect(() => createPrivateKey(text)).toThrow();
    const opened = createPrivateKey({ key: text, passphrase: PASSPHRASE });
    expect(opened.asymmetricKeyType).toBe("ed25519");
  });

  it("refuses to encrypt when there is neither a variable nor a terminal, and writes nothing", async () => {
    const file = join(tempFolder(), "alice.pem");
    await expectFault(["key", "new", "--out", file, "--encrypt"], "USAGE");
    expect(existsSync(file)).toBe(false);
  });

  it("never overwrites: neither the private nor the public file", async () => {
    const file = await newKey();
    const before = readFileSync(file, "utf8");
    await expectFault(["key", "new", "--out", file], "FILE_EXISTS");
    expect(readFileSync(file, "utf8")).toBe(before);
    const other = join(tempFolder(), "bob.pem");
    writeFileSync(`${other}.pub`, "mine");
    await expectFault(["key", "new", "--out", other], "FILE_EXISTS");
    expect(existsSync(other)).toBe(false);
  });

  it("needs --out, and a folder that is there", async () => {
    await expectFault(["key", "new"], "USAGE");
    await expectFault(
      ["key", "new", "--out", join(tempFolder(), "no", "a.pem")],
      "FILE_UNREADABLE",
    );
  });
});

describe("root init", () => {
  it("makes a home for its owner alone, with a pinned root and an audit key of its own", async () => {
    const key = await newKey();
    const dir = join(tempFolder(), "deep", "home");
    const report = await cliJson(["root", "init", "--key", key, "--dir", dir]);
    expect(mode(dir)).toBe(0o700);
    expect(mode(join(dir, "keys"))).toBe(0o700);
    expect(mode(join(dir, "keys", "audit.pem"))).toBe(0o600);
    expect(mode(join(dir, "config.toml"))).toBe(0o600);
    const config = readFileSync(join(dir, "config.toml"), "utf8");
    expect(config).toMatch(/^root_pin = "sha256:[0-9a-f]{64}"$/m);
    expect(config).toContain(String(report["rootPin"]));
    const envelope: unknown = JSON.parse(readFileSync(join(dir, "root.1.dsse.json"), "utf8"));
    expect(envelope).toMatchObject({ payloadType: "application/vnd.portcullis.root.v1+toml" });
    const { keyid: auditId } = readPublicKey(
      readFileSync(join(dir, "keys", "audit.pem.pub"), "utf8"),
    );
    expect(report["audit"]).toMatchObject({ keyid: auditId });
    expect(JSON.stringify(report["keys"])).not.toContain(auditId);
    const years = (Date.parse(String(report["expires"])) - Date.now()) / (365.25 * 86_400_000);
    expect(years).toBeGreaterThan(1.99);
    expect(years).toBeLessThan(2.01);
  });

  it("refuses a home that has a root, or a pin, and leaves it as it is", async () => {
    const key = await newKey();
    const dir = join(tempFolder(), "home");
    await cliJson(["root", "init", "--key", key, "--dir", dir]);
    const before = readFileSync(join(dir, "root.1.dsse.json"), "utf8");
    await expectFault(["root", "init", "--key", key, "--dir", dir], "FILE_EXISTS");
    writeFileSync(join(dir, "config.toml"), "");
    await expectFault(["root", "init", "--key", key, "--dir", dir], "FILE_EXISTS");
    expect(readFileSync(join(dir, "root.1.dsse.json"), "utf8")).toBe(before);
  });

  it("gives several keys both roles with one threshold", async () => {
    const keys = [await newKey("alice.pem"), await newKey("bob.pem")].join(",");
    const dir = join(tempFolder(), "home");
    const argv = ["root", "init", "--key", keys, "--dir", dir];
    const report = await cliJson([...argv, "--threshold", "2"]);
    expect(report).toMatchObject({ threshold: 2, keys: [{ name: "alice" }, { name: "bob" }] });
  });

  it.each([
    ["0"],
    ["2"],
    ["-1"],
    ["1.0"],
    ["one"],
    [""],
  ])("refuses the threshold %j of one key", async (text) => {
    const key = await newKey();
    const dir = join(tempFolder(), "home");
    await expectFault(["root", "init", "--key", key, "--dir", dir, `--threshold=${text}`], "USAGE");
    expect(existsSync(dir)).toBe(false);
  });

  it("refuses one key under two names, and an audit key with another role", async () => {
    const key = await newKey();
    const dir = join(tempFolder(), "home");
    await expectFault(["root", "init", "--key", `${key},${key}`, "--dir", dir], "ROOT_ROLE");
    const argv = ["root", "init", "--key", key, "--audit-key", key, "--dir", dir];
    await expectFault(argv, "ROOT_ROLE");
    expect(existsSync(dir)).toBe(false);
  });

  it("takes the public half of an audit key that is kept elsewhere", async () => {
    const [key, audit] = [await newKey(), await newKey("audit.pem")];
    const dir = join(tempFolder(), "home");
    const argv = ["root", "init", "--key", key, "--audit-key", `${audit}.pub`, "--dir", dir];
    const { keyid } = readPublicKey(readFileSync(`${audit}.pub`, "utf8"));
    expect(await cliJson(argv)).toMatchObject({ audit: { keyid } });
    expect(existsSync(join(dir, "keys"))).toBe(false);
  });

  it("refuses a private key that others can read", async () => {
    const key = await newKey();
    chmodSync(key, 0o640);
    const dir = join(tempFolder(), "home");
    const line = await expectFault(["root", "init", "--key", key, "--dir", dir], "KEY_PERMISSIONS");
    expect(line).toContain("0640");
  });

  it("opens an encrypted key with the passphrase, and refuses without it or with another", async () => {
    const env = { PORTCULLIS_KEY_PASSPHRASE: PASSPHRASE };
    const key = await newKey("alice.pem", env);
    const dir = join(tempFolder(), "home");
    const argv = ["root", "init", "--key", key, "--dir", dir];
    await expectFault(argv, "USAGE");
    const wrong = { PORTCULLIS_KEY_PASSPHRASE: "wrong" };
    const line = await expectFault(argv, "KEY_INVALID", { env: wrong });
    expect(line).not.toContain(`: ${wrong.PORTCULLIS_KEY_PASSPHRASE}`);
    expect(await cliJson(argv, { env })).toMatchObject({ ok: true });
  });

  it("refuses what is no key", async () => {
    const folder = tempFolder();
    const file = join(folder, "no.pem");
    writeFileSync(file, "hello", { mode: 0o600 });
    const argv = ["root", "init", "--dir", join(folder, "home"), "--key"];
    await expectFault([...argv, file], "KEY_INVALID");
    await expectFault([...argv, join(folder, "absent.pem")], "FILE_UNREADABLE");
  });
});
