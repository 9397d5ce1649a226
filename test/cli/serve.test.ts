// `portcullis serve`: children and URLs behind HTTP, callers by token, reload, record, clean end.
import { chmodSync, copyFileSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { FIXTURE_TOOLS } from "../../src/testing/fixtures.ts";
import { FIXTURE_ARGUMENTS } from "../fixtures/calls.ts";
import { cliJson, expectFault } from "./process.ts";
import { RunHome } from "./run-rig.ts";
import { connect1, connect2, makeToken, startServe } from "./serve-rig.ts";

const READ = { name: "read_text_file", arguments: { ...FIXTURE_ARGUMENTS.get("read_text_file") } };
const SMUGGLED = { name: "export_secrets", arguments: {} };

function homeOf(): Promise<RunHome> {
  return RunHome.make({ files: { options: { tools: FIXTURE_TOOLS } } });
}

describe("portcullis serve in front of a child", () => {
  it("clients of both generations call what is pinned, and nothing else reaches the server", async () => {
    const home = await homeOf();
    const token = await makeToken(home.dir, "agent:a");
    const serving = await startServe(["--dir", home.dir, "--record", home.recordFile]);
    expect(serving.servers).toEqual([`${serving.url}/mcp/files`]);
    const [url = ""] = serving.servers;
    for (const client of [
      await connect1(url, token),
      await connect2(url, token, "legacy"),
      await connect2(url, token, "auto"),
    ]) {
      expect(await client.callTool(READ)).toMatchObject({ content: [{ type: "text" }] });
      await expect(client.callTool(SMUGGLED)).rejects.toMatchObject({
        code: 4403,
        data: { reason: "tool_smuggle" },
      });
      await client.close();
    }
    expect(home.log("files").calls.map(({ name }) => name)).toEqual(Array(3).fill(READ.name));
    expect(await serving.end()).toBe(0);
    const refused = home.records().filter(({ reason }) => reason === "tool_smuggle");
    expect(refused).toHaveLength(3);
    const audit = await cliJson(["audit", "verify", "--dir", home.dir]);
    expect(audit).toMatchObject({ ok: true });
    expect(await cliJson(["audit", "replay", "--dir", home.dir])).toMatchObject({ ok: true });
  });

  it("nobody is let in without a token, and health needs none", async () => {
    const home = await homeOf();
    await makeToken(home.dir, "agent:a");
    const serving = await startServe(["--dir", home.dir]);
    const [url = ""] = serving.servers;
    await expect(connect1(url, "not-a-token")).rejects.toThrow();
    const health = await fetch(`${serving.url}/healthz`);
    expect([health.status, await health.json()]).toEqual([200, { ok: true, catalog: 1 }]);
    expect((await fetch(`${serving.url}/metrics`)).status).toBe(401);
    expect(home.log("files").starts).toBe(0);
    expect(await serving.end("SIGINT")).toBe(0);
  });

  it("a newly signed catalog takes over on SIGHUP; sessions stay", async () => {
    const home = await homeOf();
    const token = await makeToken(home.dir, "agent:a");
    const serving = await startServe(["--dir", home.dir]);
    const client = await connect1(serving.servers[0] ?? "", token);
    await client.callTool(READ);
    await home.resign((text) => text.replace("version = 1", "version = 2"));
    serving.signal("SIGHUP");
    await expect
      .poll(() => serving.stderr(), { timeout: 20_000 })
      .toMatch(/catalog version 2 is in force/);
    expect(await client.callTool(READ)).toMatchObject({ content: [{ type: "text" }] });
    await client.close();
    expect(await serving.end()).toBe(0);
  });
});

describe("portcullis serve does not start", () => {
  it("without anything to tell callers by", async () => {
    const home = await homeOf();
    await expectFault(["serve", "--dir", home.dir], "CONFIG_INVALID");
  });

  it("where others can call and nobody is asked", async () => {
    const home = await homeOf();
    for (const listen of ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.com:0"]) {
      await expectFault(["serve", "--dir", home.dir, "--listen", listen, "--no-auth"], "USAGE");
      await expectFault(["serve", "--dir", home.dir, "--listen", listen], "CONFIG_INVALID");
    }
  });

  it("on an address that is none, or is taken", async () => {
    const home = await homeOf();
    const token = ["--dir", home.dir, "--no-auth"];
    for (const listen of ["8787", "localhost", "localhost:99999", "a b:1", ":1"]) {
      await expectFault(["serve", ...token, "--listen", listen], "USAGE");
    }
    const serving = await startServe(["--dir", home.dir, "--no-auth"]);
    const { host } = new URL(serving.url);
    await expectFault(["serve", ...token, "--listen", host], "USAGE");
    expect(await serving.end()).toBe(0);
  });

  it("with half of an issuer, an unreadable token, or a catalog that does not verify", async () => {
    const home = await homeOf();
    const argv = ["serve", "--dir", home.dir];
    await expectFault([...argv, "--jwt-issuer", "https://issuer.example"], "USAGE");
    await expectFault([...argv, "--tokens", join(home.dir, "none")], "FILE_UNREADABLE");
    await expectFault([...argv, "--tokens", join(home.dir, "catalog.toml")], "CONFIG_INVALID");
    const jwks = ["--jwt-issuer", "x", "--jwt-audience", "y", "--jwks"];
    await expectFault([...argv, ...jwks, join(home.dir, "catalog.toml")], "CONFIG_INVALID");
    await expectFault([...argv, ...jwks, "http://keys.example.com/"], "CONFIG_INVALID");
  });
});

describe.skipIf(process.platform === "win32")("a file outside of the home", () => {
  it("that others can write says not who may call", async () => {
    const home = await homeOf();
    await makeToken(home.dir, "agent:a");
    const tokens = join(home.dir, "..", "callers");
    const keys = join(home.dir, "..", "keys.json");
    copyFileSync(join(home.dir, "tokens"), tokens);
    writeFileSync(keys, '{"keys":[]}');
    const jwt = ["--jwt-issuer", "x", "--jwt-audience", "y", "--jwks", keys];
    for (const option of [["--tokens", tokens], jwt]) {
      const argv = ["serve", "--dir", home.dir, ...option];
      for (const mode of [0o620, 0o602]) {
        for (const file of [tokens, keys]) chmodSync(file, mode);
        await expectFault(argv, "HOME_UNSAFE");
      }
      for (const file of [tokens, keys]) chmodSync(file, 0o644);
      expect(await (await startServe(argv.slice(1))).end()).toBe(0);
    }
  });
});

describe("portcullis token new", () => {
  it("keeps the digest alone, and overwrites nothing", async () => {
    const home = await homeOf();
    const token = await makeToken(home.dir, "agent:a");
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    const file = join(home.dir, "tokens");
    expect(readFileSync(file, "utf8")).not.toContain(token);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const again = ["token", "new", "--principal", "agent:a", "--dir", home.dir];
    await expectFault([...again, "--out", join(home.dir, "tokens")], "FILE_EXISTS");
    await expectFault([...again, "--principal", "a b", "--out", join(home.folder, "x")], "USAGE");
  });
});
