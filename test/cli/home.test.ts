import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { cli, cliJson, expectFault, jsonOf, tempFolder } from "./process.ts";
import { signedHome } from "./signed-home.ts";

const CHECK = ["check", "--server", "mock", "--tool", "read_text_file"];
const isRoot = process.getuid?.() === 0;

describe("the home", () => {
  it("A8: is never the current folder by way of the environment", async () => {
    // a repository that brings a whole home of its own, in every place such a name could mean
    const { dir } = await signedHome();
    const repository = tempFolder();
    cpSync(dir, join(repository, ".config", "portcullis"), { recursive: true });
    cpSync(dir, join(repository, "home"), { recursive: true });
    for (const env of [{ HOME: "." }, { PORTCULLIS_DIR: "home" }, { PORTCULLIS_DIR: "./home" }]) {
      await expectFault(CHECK, "HOME_UNSAFE", { cwd: repository, env });
    }
    const { code } = await cli(CHECK, { cwd: repository, env: { HOME: "" } });
    expect(code).toBe(2);
  });

  it("is --dir, else PORTCULLIS_DIR, else ~/.config/portcullis", async () => {
    const { dir } = await signedHome();
    const elsewhere = tempFolder();
    expect(await cliJson(CHECK, { env: { PORTCULLIS_DIR: dir } })).toMatchObject({ ok: true });
    const both = { env: { PORTCULLIS_DIR: elsewhere } };
    expect(await cliJson([...CHECK, "--dir", dir], both)).toMatchObject({ ok: true });
    await expectFault(CHECK, "HOME_INCOMPLETE", both);
    const user = tempFolder();
    mkdirSync(join(user, ".config"));
    cpSync(dir, join(user, ".config", "portcullis"), { recursive: true });
    expect(await cliJson(CHECK, { env: { HOME: user } })).toMatchObject({ ok: true });
    await expectFault(CHECK, "USAGE", { env: { PORTCULLIS_DIR: "" } });
  });

  it("A8: a cloned repository's own .portcullis is never what a guard believes in", async () => {
    const { dir, folder } = await signedHome();
    const repository = join(folder, "repository");
    const deep = join(repository, "src", "deep");
    mkdirSync(deep, { recursive: true });
    cpSync(dir, join(repository, ".portcullis"), { recursive: true });
    for (const cwd of [repository, deep]) {
      await expectFault(CHECK, "HOME_INCOMPLETE", { cwd });
      await expectFault(["verify"], "HOME_INCOMPLETE", { cwd });
      const run = await cli(["run", "--server", "mock"], { cwd });
      expect(run).toMatchObject({ code: 2, stdout: "" });
      expect(run.stderr).toContain("(HOME_INCOMPLETE)");
    }
    expect(existsSync(join(repository, ".portcullis", "state.json"))).toBe(false);
  });

  it("A8: the operator's own home wins over the repository's, for every guard command", async () => {
    const [own, cloned] = [await signedHome(), await signedHome()];
    const repository = join(cloned.folder, "repository");
    mkdirSync(repository);
    cpSync(cloned.dir, join(repository, ".portcullis"), { recursive: true });
    const config = join(repository, ".portcullis", "config.toml");
    writeFileSync(config, readFileSync(config, "utf8").replace("acme-agents", "wrong-id"));
    const options = { cwd: repository, env: { PORTCULLIS_DIR: own.dir } };
    expect(await cliJson(CHECK, options)).toMatchObject({ ok: true });
    expect(await cliJson(["verify"], options)).toMatchObject({ ok: true });
  });

  it("A8: authoring commands take a .portcullis above the current folder", async () => {
    const { dir, folder, key } = await signedHome({ signs: false });
    const deep = join(folder, "repository", "deep");
    mkdirSync(deep, { recursive: true });
    const found = join(folder, "repository", ".portcullis");
    cpSync(dir, found, { recursive: true });
    const report = await cliJson(["sign", "--key", key], { cwd: deep });
    expect(report["file"]).toBe(join(found, "catalog.dsse.json"));
    const empty = { cwd: deep, env: { PORTCULLIS_DIR: tempFolder() } };
    await expectFault(["sign", "--key", key], "HOME_INCOMPLETE", empty);
  });

  it.each([
    ["the folder", "", 0o770],
    ["the folder, by anybody", "", 0o707],
    ["config.toml", "config.toml", 0o620],
    ["the trust root", "root.1.dsse.json", 0o666],
    ["keys/", "keys", 0o720],
    ["a key", "keys/audit.pem", 0o602],
  ])("is refused when others can write %s", async (_, name, mode) => {
    const { dir } = await signedHome();
    expect(await cliJson([...CHECK, "--dir", dir])).toMatchObject({ ok: true });
    chmodSync(join(dir, name), mode);
    const line = await expectFault([...CHECK, "--dir", dir], "HOME_UNSAFE");
    expect(line).toContain("chmod go-w");
    await expectFault(["verify", "--dir", dir], "HOME_UNSAFE");
    await expectFault(["sign", "--dir", dir], "HOME_UNSAFE");
    const run = await cli(["run", "--dir", dir, "--server", "mock"]);
    expect(run).toMatchObject({ code: 2, stdout: "" });
  });

  it.runIf(isRoot)("is refused when it belongs to another user", async () => {
    const { dir } = await signedHome();
    chownSync(join(dir, "config.toml"), 12345, 12345);
    await expectFault([...CHECK, "--dir", dir], "HOME_UNSAFE");
    chownSync(join(dir, "config.toml"), 0, 0);
    chownSync(dir, 12345, 12345);
    const line = await expectFault([...CHECK, "--dir", dir], "HOME_UNSAFE");
    expect(line).toContain("12345");
  });

  it("is refused when it is a file", async () => {
    const file = join(tempFolder(), "home");
    writeFileSync(file, "");
    await expectFault([...CHECK, "--dir", file], "HOME_UNSAFE");
  });
});

describe("config.toml", () => {
  it.each([
    ["an unknown key", 'root_pni = "x"\n'],
    ["a pin of another form", 'root_pin = "sha256:abc"\n'],
    ["a pin in upper case", `root_pin = "${"A".repeat(64)}"\n`],
    ["a pin of another type", "root_pin = 5\n"],
    ["an audit mode that does not exist", 'audit = "off"\n'],
    ["an empty id", 'id = ""\n'],
    ["a table", "[audit]\n"],
    ["no TOML", "what\n"],
  ])("is refused with %s", async (_, text) => {
    const { dir } = await signedHome();
    const file = join(dir, "config.toml");
    const kept = readFileSync(file, "utf8").replace(
      text.startsWith("root_pin ") ? /^root_pin.*\n/m : /^$/,
      "",
    );
    const own = text.startsWith("id") ? kept.replace(/^id.*\n/m, "") : kept;
    writeFileSync(file, own + text);
    const line = await expectFault([...CHECK, "--dir", dir], "CONFIG_INVALID");
    expect(line).toContain(file);
  });

  it("takes the pin with and without its prefix, and both audit modes", async () => {
    const { dir } = await signedHome();
    const file = join(dir, "config.toml");
    const text = readFileSync(file, "utf8");
    for (const mode of ["required", "best-effort"]) {
      writeFileSync(file, `${text.replace("sha256:", "")}audit = "${mode}"\n`);
      expect(await cliJson([...CHECK, "--dir", dir])).toMatchObject({ ok: true });
    }
  });

  it("without a pin is incomplete: there is no trust on first use", async () => {
    const { dir } = await signedHome();
    const file = join(dir, "config.toml");
    writeFileSync(file, readFileSync(file, "utf8").replace(/^root_pin.*\n/m, ""));
    await expectFault([...CHECK, "--dir", dir], "HOME_INCOMPLETE");
    const report = await cli(["verify", "--dir", dir, "--json"]);
    expect(report.code).toBe(2);
    expect(jsonOf(report)).toMatchObject({ error: { code: "HOME_INCOMPLETE" } });
  });

  it("keeps its comments when the first sign records the id", async () => {
    const { dir, key } = await signedHome({ signs: false });
    const file = join(dir, "config.toml");
    writeFileSync(file, `${readFileSync(file, "utf8")}# ours\naudit = "required" # strict`);
    await cliJson(["sign", "--key", key, "--dir", dir]);
    expect(readFileSync(file, "utf8")).toMatch(
      /# ours\naudit = "required" # strict\nid = "acme-agents"\n$/,
    );
  });
});
