// examples/node-http as a process, in front of a real child, with clients of both SDK generations.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { afterEach, describe, expect, it } from "vitest";
import { FIXTURE_TOOLS } from "../../src/testing/fixtures.ts";
import { FIXTURE_ARGUMENTS } from "../fixtures/calls.ts";
import { RunHome } from "../cli/run-rig.ts";
import { connect1, connect2 } from "../cli/serve-rig.ts";
import { digestOf } from "../http/rig.ts";

const MAIN = "examples/node-http/main.js";
const TOKEN = "token-of-ci-0123456789abcdef";
const READ = { name: "read_text_file", arguments: { ...FIXTURE_ARGUMENTS.get("read_text_file") } };
const SMUGGLED = { name: "export_secrets", arguments: {} };
const running: ChildProcess[] = [];

afterEach(() => {
  for (const child of running.splice(0)) child.kill("SIGKILL");
});

interface Example {
  readonly url: string;
  readonly stderr: () => string;
  readonly end: () => Promise<number | null>;
}

async function start(home: RunHome, pin?: string): Promise<Example> {
  const config = readFileSync(join(home.dir, "config.toml"), "utf8");
  const [, rootPin = ""] = /^root_pin = "(.*)"$/m.exec(config) ?? [];
  const child = spawn(process.execPath, [MAIN, home.dir, "0"], {
    env: {
      PATH: process.env["PATH"] ?? "",
      ROOT_PIN: pin ?? rootPin,
      TOKEN_SHA256: digestOf(TOKEN),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.push(child);
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const exit = new Promise<number | null>((resolve) => child.once("close", resolve));
  const url = await new Promise<string>((resolve, reject) => {
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes("\n")) resolve(text.trim());
    });
    void exit.then((code) => reject(new Error(`the example has ended with ${code}: ${stderr}`)));
  });
  return {
    url,
    stderr: () => stderr,
    end: async () => {
      child.kill("SIGTERM");
      return await exit;
    },
  };
}

describe("examples/node-http", () => {
  it("real clients call what is pinned; what is not is refused, and never reaches the server", async () => {
    const home = await RunHome.make({ files: { options: { tools: FIXTURE_TOOLS } } });
    const example = await start(home);
    expect(example.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/mcp\/files$/);
    await expect(connect1(example.url, "not-a-token")).rejects.toThrow();
    const clients = [
      await connect1(example.url, TOKEN),
      await connect2(example.url, TOKEN, "legacy"),
      await connect2(example.url, TOKEN, "auto"),
    ];
    for (const client of clients) {
      expect(await client.callTool(READ)).toMatchObject({ content: [{ type: "text" }] });
      await expect(client.callTool(SMUGGLED)).rejects.toMatchObject({
        code: 4403,
        data: { reason: "tool_smuggle" },
      });
      await client.close();
    }
    expect(home.log("files").calls.map(({ name }) => name)).toEqual(Array(3).fill(READ.name));
    expect(await example.end()).toBe(0);
    const records = example.stderr().trim().split("\n");
    const refused = records.filter((line) => JSON.parse(line).reason === "tool_smuggle");
    expect(refused).toHaveLength(3);
  });

  it("a root other than the pinned one starts nothing", async () => {
    const home = await RunHome.make({ files: { options: { tools: FIXTURE_TOOLS } } });
    await expect(start(home, "0".repeat(64))).rejects.toThrow(/ROOT_/);
    expect(home.log("files").starts).toBe(0);
  });
});
