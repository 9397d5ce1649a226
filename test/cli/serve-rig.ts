// `portcullis serve` as a process, and clients of both SDKs that speak to it.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  Client as ClientOfSdk2,
  StreamableHTTPClientTransport as HttpOfSdk2,
} from "@modelcontextprotocol/client";
import { Client as ClientOfSdk1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport as HttpOfSdk1 } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { afterEach } from "vitest";
import { cliJson, MAIN } from "./process.ts";

export interface Serving {
  readonly url: string;
  readonly pid: number;
  readonly servers: readonly string[];
  /** Sends a signal; resolves to the exit code. */
  readonly end: (signal?: NodeJS.Signals) => Promise<number | null>;
  readonly signal: (signal: NodeJS.Signals) => void;
  readonly stderr: () => string;
}

const running: ChildProcess[] = [];

afterEach(() => {
  for (const child of running.splice(0)) child.kill("SIGKILL");
});

export async function startServe(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Serving> {
  const argv = [MAIN, "serve", "--json", "--listen", "127.0.0.1:0", ...args];
  const child = spawn(process.execPath, argv, {
    env: { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.push(child);
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const exit = new Promise<number | null>((resolve) => child.on("exit", resolve));
  const line = await new Promise<string>((resolve, reject) => {
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes("\n")) resolve(text);
    });
    void exit.then((code) => reject(new Error(`serve has ended with ${code}: ${stderr}${text}`)));
  });
  const { url, servers } = JSON.parse(line);
  return {
    url,
    pid: child.pid ?? 0,
    servers,
    stderr: () => stderr,
    signal: (signal) => void child.kill(signal),
    end: async (signal = "SIGTERM") => {
      child.kill(signal);
      return await exit;
    },
  };
}

/** Makes a token in a home; gives the token itself. */
export async function makeToken(dir: string, principal: string): Promise<string> {
  const file = join(dir, "..", `${principal.replace(/\W/g, "-")}.token`);
  await cliJson(["token", "new", "--principal", principal, "--out", file, "--dir", dir]);
  return readFileSync(file, "utf8").trim();
}

const INFO = { name: "test-client", version: "1.0.0" };

export async function connect1(url: string, token: string): Promise<ClientOfSdk1> {
  const client = new ClientOfSdk1(INFO);
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await client.connect(new HttpOfSdk1(new URL(url), { requestInit }));
  return client;
}

export async function connect2(
  url: string,
  token: string,
  mode: "legacy" | "auto" = "auto",
): Promise<ClientOfSdk2> {
  const client = new ClientOfSdk2(INFO, { versionNegotiation: { mode } });
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await client.connect(new HttpOfSdk2(new URL(url), { requestInit }));
  return client;
}
