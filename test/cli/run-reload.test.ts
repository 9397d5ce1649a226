// `portcullis run` takes over newer catalogs of its home while it runs, and refuses bad ones.
import { readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { applyPins, type ItemPin } from "../../src/catalog/edit.ts";
import {
  WATCH_DELAY_MS_MAX,
  WATCH_QUIET_MS,
  watchSignedFiles,
} from "../../src/cli/reload-watch.ts";
import { fingerprintTool } from "../../src/manifest/fingerprint.ts";
import { signSshsig } from "../../src/sign/sshsig.ts";
import { FIXTURE_GRANTS, FIXTURE_TOOLS } from "../../src/testing/fixtures.ts";
import { MockMcpServer } from "../../src/testing/mock-mcp-server.ts";
import type { MockOptions, ToolDefinition } from "../../src/testing/mock-options.ts";
import { alice, bob, host, mallory, rootSettings } from "../fixtures/trust.ts";
import { type ReloadClient, ReloadHome } from "./reload-home.ts";

const IN_FORCE = "is in force in place of version";
/** A loaded machine takes its time. */
const PATIENCE = { timeout: 20_000, interval: 20 };
const KEPT = "the catalog was not replaced: version";
const ENVELOPE = "catalog.dsse.json";

/** Pins these definitions for their names. */
function pinning(tools: readonly ToolDefinition[]): (text: string) => string {
  const pins = tools.map((tool): [string, ItemPin] => {
    const { scope, effect } = FIXTURE_GRANTS.get(tool.name) ?? { scope: [], effect: "read" };
    return [tool.name, { fingerprint: fingerprintTool(tool), scope, effect }];
  });
  const none = new Map<string, ItemPin>();
  const others = { prompts: none, resources: none, resourceTemplates: none };
  return (text) => applyPins(text, "mock", { tools: new Map(pins), ...others });
}

/** Takes one tool out; the others stay callable beside it. */
function revoking(name: string): (text: string) => string {
  const none = new Map<string, ItemPin>();
  const pins = { tools: none, prompts: none, resources: none, resourceTemplates: none };
  return (text) =>
    applyPins(text, "mock", { ...pins, removed: [{ kind: "tool", name }] }).replace(
      "[servers.mock]\n",
      '[servers.mock]\non_drift = "block-tool"\n',
    );
}

function expiringAt(ms: number): (text: string) => string {
  const instant = `${new Date(ms).toISOString().slice(0, 19)}Z`;
  return (text) => text.replace(/^expires = .*$/m, `expires = ${instant}`);
}

/** Version 2 is in force, and what came behind it never was. */
async function expectGoodOneStillTakesOver(home: ReloadHome, client: ReloadClient): Promise<void> {
  home.sign(9, { edit: revoking("echo") });
  rmSync(join(home.dir, "root.2.dsse.json"), { force: true });
  await client.says(`catalog version 9 ${IN_FORCE} 2`);
  expect(await client.call("echo")).toBe("tool_smuggle");
  expect(client.lines.filter((line) => line.includes(IN_FORCE))).toHaveLength(1);
  expect(await client.end()).toBe(0);
}

describe("a good catalog", () => {
  it("takes over when its file does: a revoked tool is called no more, the server stays", async () => {
    const home = new ReloadHome();
    const client = await home.start();
    expect(await client.call("echo")).toBe("allowed");
    home.sign(2, { edit: revoking("echo") });
    await client.says(`portcullis: catalog version 2 ${IN_FORCE} 1\n`);
    expect(await client.call("echo")).toBe("tool_smuggle");
    expect(await client.call("read_text_file")).toBe("allowed");
    expect(client.notifications).toEqual(["notifications/tools/list_changed"]);
    const { tools } = (await client.ask("tools/list")).result ?? {};
    const names = Array.isArray(tools) ? tools.map(({ name }) => name) : [];
    expect(names).toEqual(FIXTURE_TOOLS.map(({ name }) => name).filter((it) => it !== "echo"));
    expect(home.log).toMatchObject({ starts: 1, callsReceived: 2 });
    expect(await client.end()).toBe(0);
    const state = JSON.parse(readFileSync(join(home.dir, "state.json"), "utf8"));
    expect(state).toMatchObject({ catalog_version: 2 });
  });

  it("with a re-pinned tool ends its drift, without a restart", async () => {
    const options: MockOptions = { drift: "description" };
    const [text = ""] = new MockMcpServer(options).handle(
      '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
    );
    const live: ToolDefinition[] = JSON.parse(text).result.tools;
    const home = new ReloadHome(options);
    const client = await home.start();
    expect(await client.call("read_text_file")).toBe("fingerprint_drift");
    home.sign(2, { edit: pinning(live) });
    await client.says(IN_FORCE);
    expect(await client.call("read_text_file")).toBe("allowed");
    expect(home.log).toMatchObject({ starts: 1, callsReceived: 1 });
    await client.end();
  });

  it("is taken over while a call and a listing are on their way, and both are answered", async () => {
    const home = new ReloadHome({ callDelayMs: 1_500, listDelayMs: 1_500 });
    const client = await home.start();
    const waiting = client.call("echo");
    await expect.poll(() => home.log.listsReceived).toBe(1);
    home.sign(2);
    await client.says(`version 2 ${IN_FORCE} 1`);
    expect(home.log.callsReceived).toBe(0);
    expect(await waiting).toBe("allowed");
    const sent = client.call("echo");
    await expect.poll(() => home.log.callsReceived).toBe(2);
    home.sign(3, { edit: revoking("echo") });
    await client.says(`version 3 ${IN_FORCE} 2`);
    expect(await client.call("echo")).toBe("tool_smuggle");
    expect(await sent).toBe("allowed");
    expect(home.log).toMatchObject({ starts: 1, callsReceived: 2 });
    await client.end();
  });

  it("that names the server no more, or another command for it, lets nothing through", async () => {
    const home = new ReloadHome();
    const client = await home.start();
    expect(await client.call("echo")).toBe("allowed");
    home.sign(2, { edit: (text) => text.slice(0, text.indexOf("[servers.")) });
    await client.says(`version 2 ${IN_FORCE} 1`);
    expect(await client.call("echo")).toBe("unknown_server");
    home.sign(3, { command: [...home.command, "--more"] });
    await client.says(`version 3 ${IN_FORCE} 2`);
    expect(await client.call("echo")).toBe("server_not_admitted");
    home.sign(4);
    await client.says(`version 4 ${IN_FORCE} 3`);
    expect(await client.call("echo")).toBe("allowed");
    expect(home.log).toMatchObject({ starts: 1, callsReceived: 2 });
    await client.end();
  });

  it("is found in the OpenSSH form, too, once both of its files are there", async () => {
    const home = new ReloadHome();
    const sshForm = (version: number): void => {
      const text = home.text(version);
      home.write("catalog.toml", text);
      const name = `catalog.toml.${alice.publicKey.keyid.slice(0, 8)}.sig`;
      home.write(name, signSshsig(Buffer.from(text), alice));
    };
    sshForm(1);
    rmSync(join(home.dir, ENVELOPE));
    const client = await home.start();
    sshForm(2);
    await client.says(`version 2 ${IN_FORCE} 1`);
    // between its two files it may have been looked at, and kept out
    expect(client.lines.filter((text) => text.includes(IN_FORCE))).toHaveLength(1);
    await client.end();
  });
});

describe("a bad catalog", () => {
  it.each<[string, string, (home: ReloadHome) => void]>([
    [
      "tampered with",
      "CATALOG_SIGNATURE_INVALID",
      (home) => {
        const envelope = JSON.parse(Buffer.from(home.envelope(3)).toString());
        const payload = Buffer.from(envelope.payload, "base64").toString();
        const changed = payload.replace('effect = "read"', 'effect = "write"');
        envelope.payload = Buffer.from(changed).toString("base64");
        home.write(ENVELOPE, JSON.stringify(envelope));
      },
    ],
    [
      "signed by a stranger",
      "CATALOG_SIGNATURE_INVALID",
      (home) => home.sign(3, { signers: [mallory] }),
    ],
    ["signed by an audit key", "CATALOG_ROLE", (home) => home.sign(3, { signers: [host] })],
    ["older", "CATALOG_ROLLBACK", (home) => home.sign(1)],
    [
      "of the same version with other bytes",
      "CATALOG_EQUIVOCATION",
      (home) => home.sign(2, { edit: (text) => `${text}# other\n` }),
    ],
    [
      "expired",
      "CATALOG_EXPIRED",
      (home) => home.sign(3, { edit: expiringAt(Date.now() - 1_000) }),
    ],
    [
      "of another id",
      "CATALOG_ID",
      (home) => home.sign(3, { edit: (text) => text.replace("acme-agents", "acme-other") }),
    ],
    [
      "half written",
      "CATALOG_ENVELOPE",
      (home) => {
        writeFileSync(join(home.dir, ENVELOPE), home.envelope(3));
        truncateSync(join(home.dir, ENVELOPE), 700);
      },
    ],
    ["not toml", "CATALOG_SYNTAX", (home) => home.sign(3, { edit: (text) => `${text}\n[` })],
    ["gone", "CATALOG_ENVELOPE", (home) => rmSync(join(home.dir, ENVELOPE))],
    [
      "under a root that nobody signed",
      "ROOT_SIGNATURE",
      (home) => home.root(2, {}, [mallory]).sign(3),
    ],
    ["beside a damaged state", "STATE_CORRUPT", (home) => home.write("state.json", "{}").sign(3)],
  ])("%s: %s is said and recorded, and the running one goes on", async (_, code, spoil) => {
    const home = new ReloadHome().sign(2);
    const record = join(home.dir, "..", "record.jsonl");
    const client = await home.start(["--record", record]);
    expect(await client.call("echo")).toBe("allowed");
    const state = readFileSync(join(home.dir, "state.json"));
    spoil(home);
    await client.says(new RegExp(`^portcullis: ${KEPT} 2 stays in force until .*\\(${code}\\)\n$`));
    expect(await client.call("echo")).toBe("allowed");
    const records = readFileSync(record, "utf8").trim().split("\n");
    const reloads = records.map((line) => JSON.parse(line)).filter(({ kind }) => kind === "reload");
    expect(reloads).toMatchObject([{ reason: "catalog_untrusted", outcome: "deny" }]);
    expect(reloads[0].detail).toMatch(new RegExp(`^${code}: `));
    home.write("state.json", state);
    await expectGoodOneStillTakesOver(home, client);
    expect(home.log).toMatchObject({ starts: 1, callsReceived: 2 });
  });

  it("does not keep the running one alive: it expires", async () => {
    const expiresMs = Math.ceil(Date.now() / 1_000) * 1_000 + 8_000;
    const home = new ReloadHome({}, { edit: expiringAt(expiresMs) });
    const client = await home.start();
    expect(await client.call("echo")).toBe("allowed");
    home.sign(2, { signers: [mallory] });
    await client.says("CATALOG_SIGNATURE_INVALID");
    await new Promise((resolve) => setTimeout(resolve, expiresMs - Date.now()));
    expect(await client.call("echo")).toBe("catalog_expired");
    expect(home.log.callsReceived).toBe(1);
    home.sign(3);
    await client.says(`version 3 ${IN_FORCE} 1`);
    expect(await client.call("echo")).toBe("allowed");
    await client.end();
  });
});

describe("SIGHUP", () => {
  it("a hundred of them, amid calls: every call is answered, and the server hears of none", async () => {
    const home = new ReloadHome();
    const client = await home.start();
    const calls: Promise<unknown>[] = [];
    for (let count = 0; count < 100; count++) {
      client.hangUp();
      calls.push(client.call("echo"));
      if (count === 50) home.sign(2);
      if (count % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["allowed"]));
    await client.says(`version 2 ${IN_FORCE} 1`);
    expect(home.log).toMatchObject({ starts: 1, callsReceived: 100, endings: [] });
    expect(client.lines.filter((line) => line.includes(IN_FORCE))).toHaveLength(1);
    expect(await client.end()).toBe(0);
  });

  it("without anything new says so, and changes nothing", async () => {
    const home = new ReloadHome();
    const client = await home.start();
    client.hangUp();
    await client.says("portcullis: catalog version 1 is in force already\n");
    expect(client.notifications).toEqual([]);
    await client.end();
  });
});

describe("the trust root", () => {
  it("rotates: the next root alone replaces nothing, the re-signed catalog takes over", async () => {
    const home = new ReloadHome();
    const client = await home.start();
    const { roles } = rootSettings();
    const catalog = { ...roles.catalog, keys: ["bob"] };
    home.root(2, { roles: { ...roles, catalog } }, [alice]);
    await client.says(`${KEPT} 1 stays in force`);
    expect(client.stderr).toContain("(CATALOG_ROLE)");
    expect(await client.call("echo")).toBe("allowed");
    home.sign(2, { signers: [bob] });
    await client.says(`version 2 ${IN_FORCE} 1`);
    expect(await client.call("echo")).toBe("allowed");
    const state = JSON.parse(readFileSync(join(home.dir, "state.json"), "utf8"));
    expect(state).toMatchObject({ root_version: 2, catalog_version: 2 });
    home.sign(3, { signers: [alice] });
    await client.says(`${KEPT} 2 stays in force`);
    await client.end();
  });

  it("that is newer and takes the running catalog along changes the state, and no more", async () => {
    const home = new ReloadHome();
    const client = await home.start();
    home.root(2, { catalogVersionFloor: 1 }, [alice]);
    const stateFile = join(home.dir, "state.json");
    await expect
      .poll(() => JSON.parse(readFileSync(stateFile, "utf8")), { timeout: 20_000 })
      .toMatchObject({ root_version: 2, catalog_version: 1 });
    expect([client.stderr, client.notifications]).toEqual(["", []]);
    await client.end();
  });
});

describe("the home itself", () => {
  it("replaced by another folder is still watched", async () => {
    const home = new ReloadHome();
    const client = await home.start();
    const copy = new ReloadHome({}, { command: home.command });
    copy.sign(2, { command: home.command });
    await new Promise((resolve) => setTimeout(resolve, 300));
    renameSync(home.dir, `${home.dir}.old`);
    renameSync(copy.dir, home.dir);
    await client.says(`version 2 ${IN_FORCE} 1`);
    home.sign(3);
    await client.says(`version 3 ${IN_FORCE} 2`);
    await client.end();
  });

  it("that can be watched no more is said once, and SIGHUP is enough", async () => {
    const home = new ReloadHome();
    const client = await home.start();
    await new Promise((resolve) => setTimeout(resolve, 300));
    renameSync(home.dir, `${home.dir}.away`);
    await client.says("changes of the home are not noticed (ENOENT); send SIGHUP after each");
    await client.says("(HOME_INCOMPLETE)");
    renameSync(`${home.dir}.away`, home.dir);
    home.sign(2);
    client.hangUp();
    await client.says(`version 2 ${IN_FORCE} 1`);
    expect(client.stderr.split("changes of the home")).toHaveLength(2);
    // a checkpoint that found no folder is tried again a second later; until then calls are refused
    await expect.poll(() => client.call("echo"), { timeout: 20_000 }).toBe("allowed");
    await client.end();
  });
});

describe("the watch", () => {
  const FAR_MS = Date.now() + 3_600_000;

  async function changesOf(
    folder: string,
    sinceMs: number,
    act: () => void | Promise<void>,
    atLeast = 1,
  ): Promise<{ changes: number; lost: readonly string[] }> {
    let changes = 0;
    const lost: string[] = [];
    const onChange = (): void => void changes++;
    const onLost = (why: string): void => void lost.push(why);
    const stop = watchSignedFiles({ folder, sinceMs, onChange, onLost });
    await act();
    await expect.poll(() => changes + lost.length, PATIENCE).toBeGreaterThanOrEqual(atLeast);
    // what comes too often comes soon
    await new Promise((resolve) => setTimeout(resolve, WATCH_QUIET_MS * 4));
    stop();
    return { changes, lost };
  }

  it("sees what changed between the start and its own first moment", async () => {
    const { dir } = new ReloadHome();
    const nothing = (): void => undefined;
    expect(await changesOf(dir, Date.now(), nothing)).toEqual({ changes: 1, lost: [] });
    expect(await changesOf(dir, FAR_MS, nothing, 0)).toEqual({ changes: 0, lost: [] });
  });

  it("tells once of many changes at once, and of no other file", async () => {
    const home = new ReloadHome();
    const storm = (): void => {
      for (let count = 0; count < 200; count++) home.write(ENVELOPE, String(count));
    };
    expect((await changesOf(home.dir, FAR_MS, storm)).changes).toBe(1);
    const others = (): void => {
      for (const name of ["state.json", "state.json.lock", "config.toml", "catalog.lock.json"]) {
        home.write(name, "");
      }
      writeFileSync(join(home.dir, "catalog.tomlx"), "");
      writeFileSync(join(home.dir, "root.02.dsse.json"), "");
    };
    expect((await changesOf(home.dir, FAR_MS, others, 0)).changes).toBe(0);
    for (const name of ["catalog.toml", "catalog.toml.0123abcd.sig", "root.2.dsse.json"]) {
      expect((await changesOf(home.dir, FAR_MS, () => void home.write(name, ""))).changes).toBe(1);
    }
  });

  it("tells of a file that never rests at the latest after a second", async () => {
    const home = new ReloadHome();
    const restless = async (): Promise<void> => {
      const endMs = Date.now() + WATCH_DELAY_MS_MAX * 1.5;
      while (Date.now() < endMs) {
        home.write(ENVELOPE, "");
        await new Promise((resolve) => setTimeout(resolve, WATCH_QUIET_MS / 5));
      }
    };
    // one at the latest after a second, one at the end; more where the machine let the file rest
    const { changes } = await changesOf(home.dir, FAR_MS, restless, 2);
    expect(changes).toBeLessThan(20);
  });

  it("that cannot be had is said once", async () => {
    const missing = join(new ReloadHome().dir, "missing");
    const { lost } = await changesOf(missing, FAR_MS, () => undefined);
    expect(lost).toEqual(["ENOENT"]);
  });
});
