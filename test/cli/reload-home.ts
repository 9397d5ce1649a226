// A home whose signed files a test replaces while a guard runs, and a client of that guard.

import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect } from "vitest";
import { utf8 } from "../../src/bytes.ts";
import type { RootSettings } from "../../src/catalog/root-text.ts";
import type { PrivateKey } from "../../src/sign/keys.ts";
import { writePem } from "../../src/sign/pem.ts";
import { encodePkcs8 } from "../../src/sign/pkcs8.ts";
import { type MockLog, readMockLog } from "../../src/testing/mock-log.ts";
import type { MockOptions } from "../../src/testing/mock-options.ts";
import { FIXTURE_ARGUMENTS } from "../fixtures/calls.ts";
import { alice, host, rootDigest, signedCatalog, signedRoot } from "../fixtures/trust.ts";
import { MAIN, mockCommand, tempFolder } from "./process.ts";
import { fixtureCatalog, SERVER } from "./signed-home.ts";

const ROOT: Partial<RootSettings> = { expiresMs: Math.ceil(Date.now() / 1000) * 1000 + 1e9 };
/** Milliseconds a change may take until it is in force, or refused. */
const PATIENCE = { timeout: 20_000, interval: 20 };

const children: ChildProcess[] = [];

afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
});

/** What a catalog says beside its version. */
export interface Change {
  readonly edit?: (text: string) => string;
  readonly command?: readonly string[];
  readonly signers?: readonly PrivateKey[];
}

export class ReloadHome {
  readonly dir: string;
  readonly command: readonly string[];
  readonly #logFile: string;
  #writes = 0;

  /** A home with version 1 of a catalog that pins the fixture tools of a mock server. */
  constructor(options: MockOptions = {}, change: Change = {}) {
    const folder = tempFolder();
    this.dir = join(folder, "home");
    this.#logFile = join(folder, "server.jsonl");
    const optionsFile = join(folder, "mock.json");
    writeFileSync(optionsFile, JSON.stringify({ ...options, logFile: this.#logFile }));
    writeFileSync(this.#logFile, "");
    this.command = mockCommand(optionsFile);
    mkdirSync(this.dir, { mode: 0o700 });
    mkdirSync(join(this.dir, "keys"), { mode: 0o700 });
    this.write("keys/audit.pem", writePem("PRIVATE KEY", encodePkcs8(host)));
    this.write("config.toml", `root_pin = "${rootDigest(ROOT)}"\nid = "acme-agents"\n`);
    this.write("root.1.dsse.json", signedRoot(ROOT));
    this.sign(1, change);
  }

  /** The text of a catalog of this version. */
  text(version: number, { edit = (text) => text, command = this.command }: Change = {}): string {
    const versioned = (text: string): string =>
      edit(text.replace("version = 1\n", `version = ${version}\n`));
    return fixtureCatalog({ command, edit: versioned });
  }

  envelope(version: number, change: Change = {}): Uint8Array {
    return signedCatalog(this.text(version, change), change.signers ?? [alice]);
  }

  /** Puts a signed catalog in place. */
  sign(version: number, change: Change = {}): this {
    return this.write("catalog.dsse.json", this.envelope(version, change));
  }

  /** Puts root `version` in place; see `rootSettings`. */
  root(version: number, changes: Partial<RootSettings>, signers: readonly PrivateKey[]): this {
    const settings = { ...ROOT, version, ...changes };
    return this.write(`root.${version}.dsse.json`, signedRoot(settings, signers));
  }

  /** Writes beside the file and renames, as careful programs do. */
  write(name: string, content: Uint8Array | string): this {
    const temporary = join(this.dir, `.${name.replace("/", "-")}.${this.#writes++}`);
    writeFileSync(temporary, typeof content === "string" ? utf8(content) : content);
    chmodSync(temporary, 0o600);
    renameSync(temporary, join(this.dir, name));
    return this;
  }

  get log(): MockLog {
    return readMockLog(readFileSync(this.#logFile, "utf8"));
  }

  /** Starts a guard, and waits until its server has answered. */
  async start(args: readonly string[] = []): Promise<ReloadClient> {
    const client = new ReloadClient(this.dir, args);
    await client.ask("initialize", {
      protocolVersion: "2025-11-25",
      capabilities: {},
      clientInfo: { name: "test", version: "1" },
    });
    client.notify("notifications/initialized");
    return client;
  }
}

interface Answer {
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly data?: Record<string, unknown> };
}

/** A client of `portcullis run`. Whatever is no JSON-RPC on standard output fails the test. */
export class ReloadClient {
  readonly child: ChildProcess;
  stderr = "";
  readonly notifications: string[] = [];
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  readonly #exit: Promise<number | null>;
  #nextId = 1;
  #rest = "";

  constructor(dir: string, args: readonly string[]) {
    const argv = ["run", "--dir", dir, "--server", SERVER, ...args];
    this.child = spawn(process.execPath, [MAIN, ...argv], { stdio: "pipe" });
    children.push(this.child);
    this.child.stdin?.on("error", () => undefined);
    this.child.stderr?.on("data", (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    this.child.stdout?.on("data", (chunk: Buffer) => this.#read(chunk.toString()));
    this.#exit = new Promise((resolve) => this.child.once("close", (code) => resolve(code)));
  }

  ask(method: string, params: object = {}): Promise<Answer> {
    const id = this.#nextId++;
    const answer = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.child.stdin?.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
    return answer;
  }

  notify(method: string): void {
    this.child.stdin?.write(`${JSON.stringify({ jsonrpc: "2.0", method })}\n`);
  }

  /** `allowed`, or why not. */
  async call(name: string): Promise<unknown> {
    const args = FIXTURE_ARGUMENTS.get(name) ?? {};
    const { result, error } = await this.ask("tools/call", { name, arguments: args });
    return result === undefined ? (error?.data?.["reason"] ?? error) : "allowed";
  }

  hangUp(): void {
    this.child.kill("SIGHUP");
  }

  /** Waits until standard error holds `text`. */
  async says(text: string | RegExp): Promise<void> {
    await expect.poll(() => this.stderr, PATIENCE).toMatch(text);
  }

  /** Lines that the guard has said, without their head. */
  get lines(): string[] {
    return this.stderr
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.replace(/^portcullis: /, ""));
  }

  /** Ends the client; the guard's exit code. */
  end(): Promise<number | null> {
    this.child.stdin?.end();
    return this.#exit;
  }

  #read(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      const message = JSON.parse(line);
      expect(message).toMatchObject({ jsonrpc: "2.0" });
      if (message.id === undefined) this.notifications.push(message.method);
      else this.#waiting.get(message.id)?.(message);
    }
  }
}
