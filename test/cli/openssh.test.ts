// OpenSSH in the hands of an operator: keys made by ssh-keygen, `.sig` files beside catalog.toml, and
// line ends that git converts.
import { chmodSync, copyFileSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { readPrivateKey } from "../../src/sign/key-file.ts";
import { signSshsig } from "../../src/sign/sshsig.ts";
import { hasProgram, run } from "../fixtures/tools.ts";
import { cli, cliJson, expectFault, jsonOf, tempFolder } from "./process.ts";
import { fixtureCatalog, type SignedHome, signedHome } from "./signed-home.ts";

const hasSshKeygen = hasProgram("ssh-keygen");

/** A key file of ssh-keygen. */
function sshKey(name: string, ...options: readonly string[]): string {
  const file = join(tempFolder(), name);
  const argv = options.length === 0 ? ["-t", "ed25519", "-N", ""] : options;
  run("ssh-keygen", ["-q", "-f", file, ...argv]);
  return file;
}

/** Signs catalog.toml as an operator does; gives the file that ssh-keygen writes. */
function sshSign(home: Pick<SignedHome, "catalogFile">, key: string, ...options: string[]): string {
  const written = `${home.catalogFile}.sig`;
  rmSync(written, { force: true });
  const namespace = options.length === 0 ? ["-n", "portcullis-catalog"] : options;
  run("ssh-keygen", ["-q", "-Y", "sign", ...namespace, "-f", key, home.catalogFile]);
  return written;
}

async function nameOf(key: string): Promise<string> {
  const { keyid } = await readPrivateKey(readFileSync(key, "utf8"));
  return `catalog.toml.${keyid.slice(0, 8)}.sig`;
}

/** The code of `verify`, after asking `run` and `check`, which must say the same. */
async function codeOfAll(dir: string): Promise<string> {
  const verified = await cli(["verify", "--dir", dir, "--json"]);
  const { ok, error } = jsonOf(verified);
  const isError = typeof error === "object" && error !== null && "code" in error;
  const code = ok === true ? "ok" : isError ? String(error.code) : "none";
  const started = await cli(["run", "--dir", dir, "--server", "mock"]);
  const checked = await cli(["check", "--dir", dir, "--server", "mock", "--tool", "echo"]);
  if (code === "ok") {
    // the fixture's server is no program that exists: the catalog was accepted when it is missed
    expect(started.stderr).not.toMatch(/\((CATALOG|ROOT)_/);
    expect(checked).toMatchObject({ code: 0 });
  } else {
    expect(started).toMatchObject({ code: 2, stdout: "" });
    expect(started.stderr).toContain(`(${code})`);
    expect(checked).toMatchObject({ code: 2, stderr: expect.stringContaining(`(${code})`) });
  }
  return code;
}

async function sshHome(keys: readonly string[], threshold: number): Promise<SignedHome> {
  const folder = tempFolder();
  const dir = join(folder, "home");
  const init = ["--key", keys.join(","), "--threshold", String(threshold), "--dir", dir];
  await cliJson(["root", "init", ...init]);
  const catalogFile = join(dir, "catalog.toml");
  writeFileSync(catalogFile, fixtureCatalog());
  return { folder, dir, key: keys[0] ?? "", catalogFile };
}

describe.skipIf(!hasSshKeygen)(`ssh-keygen${hasSshKeygen ? "" : " (not installed)"}`, () => {
  it("its key signs a catalog, and `verify` accepts it", async () => {
    const home = await sshHome([sshKey("alice")], 1);
    expect(await cliJson(["sign", "--key", home.key, "--dir", home.dir])).toMatchObject({
      missing: 0,
    });
    expect(await codeOfAll(home.dir)).toBe("ok");
    const dave = sshKey("dave");
    const argv = ["root", "add-key", "dave", "--key", `${dave}.pub`, "--role", "catalog"];
    expect(await cliJson([...argv, "--dir", home.dir])).toMatchObject({ version: 2 });
  });

  it("its signatures beside catalog.toml count like an envelope, one file a signer", async () => {
    const keys = [sshKey("alice"), sshKey("bob")];
    const home = await sshHome(keys, 2);
    const [alice = "", bob = ""] = keys;
    renameSync(sshSign(home, alice), join(home.dir, await nameOf(alice)));
    expect(await codeOfAll(home.dir)).toBe("CATALOG_THRESHOLD");
    copyFileSync(join(home.dir, await nameOf(alice)), join(home.dir, "catalog.toml.2.sig"));
    expect(await codeOfAll(home.dir)).toBe("CATALOG_THRESHOLD");
    rmSync(join(home.dir, "catalog.toml.2.sig"));
    renameSync(sshSign(home, bob), join(home.dir, await nameOf(bob)));
    expect(await codeOfAll(home.dir)).toBe("ok");
  });

  it("the two forms are never mixed: one envelope, and the .sig files do not count", async () => {
    const keys = [sshKey("alice"), sshKey("bob")];
    const home = await sshHome(keys, 2);
    const [alice = "", bob = ""] = keys;
    renameSync(sshSign(home, alice), join(home.dir, await nameOf(alice)));
    const signed = await cli(["sign", "--key", bob, "--dir", home.dir]);
    expect(signed).toMatchObject({ code: 0, stderr: expect.stringContaining("do not count") });
    expect(await codeOfAll(home.dir)).toBe("CATALOG_THRESHOLD");
  });

  it("the name that ssh-keygen gives is refused with the name it should have", async () => {
    const home = await sshHome([sshKey("alice")], 1);
    sshSign(home, home.key);
    expect(await codeOfAll(home.dir)).toBe("CATALOG_ENVELOPE");
    const { stdout } = await cli(["verify", "--dir", home.dir]);
    expect(stdout).toContain(await nameOf(home.key));
  });

  it("another namespace, hash or key type is CATALOG_TYPE; another key signs nothing", async () => {
    const home = await sshHome([sshKey("alice")], 1);
    const file = join(home.dir, await nameOf(home.key));
    const rsa = sshKey("rsa", "-t", "rsa", "-b", "2048", "-N", "");
    const namespace = ["-n", "portcullis-catalog"];
    for (const [key, options] of [
      [home.key, ["-n", "git"]],
      [home.key, [...namespace, "-O", "hashalg=sha256"]],
      [rsa, namespace],
    ] as const) {
      renameSync(sshSign(home, key, ...options), file);
      expect(await codeOfAll(home.dir)).toBe("CATALOG_TYPE");
    }
    renameSync(sshSign(home, sshKey("mallory")), file);
    expect(await codeOfAll(home.dir)).toBe("CATALOG_SIGNATURE_INVALID");
  });

  it("verifies our signature of the same catalog with -Y verify", async () => {
    const home = await sshHome([sshKey("alice")], 1);
    const signer = await readPrivateKey(readFileSync(home.key, "utf8"));
    const catalog = readFileSync(home.catalogFile);
    const signature = join(home.dir, await nameOf(home.key));
    writeFileSync(signature, signSshsig(catalog, signer));
    expect(await codeOfAll(home.dir)).toBe("ok");
    const allowed = join(home.folder, "allowed");
    writeFileSync(allowed, `alice ${readFileSync(`${home.key}.pub`, "utf8")}`);
    const argv = ["-Y", "verify", "-I", "alice", "-n", "portcullis-catalog", "-f", allowed];
    const told = run("ssh-keygen", [...argv, "-s", signature], catalog).toString();
    expect(told).toContain('Good "portcullis-catalog" signature for alice');
    expect(() => run("ssh-keygen", [...argv, "-s", signature], `${catalog}x`)).toThrow();
  });

  it("a key with a passphrase is refused with the way out, one that others read by its mode", async () => {
    const locked = sshKey("locked", "-t", "ed25519", "-N", "secret words");
    const home = await signedHome();
    const line = await expectFault(["sign", "--key", locked, "--dir", home.dir], "KEY_INVALID");
    expect(line).toContain("portcullis key new --encrypt");
    const open = sshKey("open");
    chmodSync(open, 0o644);
    await expectFault(["sign", "--key", open, "--dir", home.dir], "KEY_PERMISSIONS");
    await expectFault(["cosign", "--key", open, "--dir", home.dir], "KEY_PERMISSIONS");
    const rsa = sshKey("rsa", "-t", "rsa", "-b", "2048", "-N", "");
    await expectFault(["sign", "--key", rsa, "--dir", home.dir], "KEY_INVALID");
  });
});

describe("signature files", () => {
  it("up to 16 are read, of which one key counts once; 17 are refused", async () => {
    const { dir, key, catalogFile } = await signedHome();
    rmSync(join(dir, "catalog.dsse.json"));
    const signer = await readPrivateKey(readFileSync(key, "utf8"));
    const text = signSshsig(readFileSync(catalogFile), signer);
    for (let number = 1; number <= 16; number++)
      writeFileSync(`${catalogFile}.${number}.sig`, text);
    expect(await codeOfAll(dir)).toBe("ok");
    writeFileSync(`${catalogFile}.17.sig`, text);
    expect(await codeOfAll(dir)).toBe("CATALOG_ENVELOPE");
  });
});

describe("line ends", () => {
  it("a catalog that was converted to CRLF behind its .sig file says so, in every command", async () => {
    const { dir, key, catalogFile } = await signedHome();
    rmSync(join(dir, "catalog.dsse.json"));
    const signer = await readPrivateKey(readFileSync(key, "utf8"));
    const text = readFileSync(catalogFile, "utf8");
    const signature = join(dir, await nameOf(key));
    writeFileSync(signature, signSshsig(Buffer.from(text), signer));
    // a converted signature file is the same signature
    writeFileSync(signature, readFileSync(signature, "utf8").replaceAll("\n", "\r\n"));
    expect(await codeOfAll(dir)).toBe("ok");
    writeFileSync(catalogFile, text.replaceAll("\n", "\r\n"));
    expect(await codeOfAll(dir)).toBe("CATALOG_SIGNATURE_INVALID");
    const converted = "converted from LF to CRLF line ends";
    expect((await cli(["verify", "--dir", dir])).stdout).toContain(converted);
    expect((await cli(["run", "--dir", dir, "--server", "mock"])).stderr).toContain(converted);
    const check = ["check", "--dir", dir, "--server", "mock", "--tool", "echo"];
    expect((await cli(check)).stderr).toContain(converted);
  });

  it("and the other way round: signed with CRLF, converted to LF", async () => {
    const { dir, key, catalogFile } = await signedHome({ signs: false });
    const text = readFileSync(catalogFile, "utf8").replaceAll("\n", "\r\n");
    writeFileSync(catalogFile, text);
    const signer = await readPrivateKey(readFileSync(key, "utf8"));
    writeFileSync(join(dir, await nameOf(key)), signSshsig(Buffer.from(text), signer));
    expect(await codeOfAll(dir)).toBe("ok");
    writeFileSync(catalogFile, text.replaceAll("\r\n", "\n"));
    const { stdout } = await cli(["verify", "--dir", dir]);
    expect(stdout).toContain("converted from CRLF to LF line ends");
  });

  it("`sign` warns of a CRLF catalog, and says when an accepted version came back converted", async () => {
    const home = await signedHome();
    await cli(["run", "--dir", home.dir, "--server", "mock"]);
    const text = readFileSync(home.catalogFile, "utf8").replaceAll("\n", "\r\n");
    writeFileSync(home.catalogFile, text);
    const argv = ["sign", "--key", home.key, "--dir", home.dir];
    expect(await expectFault(argv, "CATALOG_EQUIVOCATION")).toContain("converted from LF to CRLF");
    writeFileSync(home.catalogFile, text.replace("version = 1", "version = 2"));
    const signed = await cli(argv);
    expect(signed).toMatchObject({ code: 0, stderr: expect.stringContaining(".gitattributes") });
    expect(await codeOfAll(home.dir)).toBe("ok");
  });
});
