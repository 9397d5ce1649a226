// A guard in a process of its own, and its client: see `replica.js`.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, vi } from "vitest";
import { toBase64 } from "../../src/bytes.ts";
import { NOW_MS, rootSettings, signedCatalog, signedRoot } from "../fixtures/trust.ts";
import { type ClientMessage, INITIALIZE, SERVER_ID } from "./rig.ts";

const PROGRAM = fileURLToPath(new URL("./replica.js", import.meta.url));
const POLL = { timeout: 60_000, interval: 20 };

export interface ReplicaOptions {
  readonly catalog: string;
  readonly url: string;
  readonly timeoutMs?: number;
}

export class Replica {
  readonly process: ChildProcess;
  /** What the client got. */
  readonly received: ClientMessage[] = [];
  /** Ids of the calls that the server got. */
  readonly calls: (string | number | null | undefined)[] = [];
  readonly ended: Promise<void>;
  #rest = "";
  #errors = "";
  #isReady = false;
  /** Messages by id, so that a long run stays fast. */
  readonly #answers = new Map<unknown, ClientMessage>();

  private constructor(settingsPath: string) {
    this.process = spawn(process.execPath, [PROGRAM, settingsPath], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.process.stdin?.on("error", () => undefined);
    this.process.stdout?.on("data", (chunk: Buffer) => this.#take(chunk.toString()));
    this.process.stderr?.on("data", (chunk: Buffer) => {
      this.#errors += chunk.toString();
    });
    this.ended = new Promise((resolve) => this.process.once("close", () => resolve()));
  }

  /** Starts one with the session, the principal and the key that all of them share. */
  static async start({ catalog, url, timeoutMs = 20_000 }: ReplicaOptions): Promise<Replica> {
    const folder = mkdtempSync(join(tmpdir(), "portcullis-replica-"));
    const path = join(folder, "settings.json");
    const settings = {
      ...{ url, timeoutMs, serverId: SERVER_ID, sessionId: "shared", nowMs: NOW_MS },
      envelope: toBase64(signedCatalog(catalog)),
      root: toBase64(signedRoot(rootSettings())),
      key: toBase64(new Uint8Array(32).fill(7)),
    };
    writeFileSync(path, JSON.stringify(settings));
    const replica = new Replica(path);
    onTestFinished(async () => {
      replica.process.kill("SIGKILL");
      await replica.ended;
      rmSync(folder, { recursive: true, force: true });
    });
    await vi.waitFor(() => {
      expect(replica.#errors).toBe("");
      expect(replica.#isReady).toBe(true);
    }, POLL);
    return replica;
  }

  /** Sends messages of the client. */
  send(...messages: readonly object[]): this {
    this.process.stdin?.write(messages.map((message) => `${JSON.stringify(message)}\n`).join(""));
    return this;
  }

  /** Legacy handshake. */
  connect(): this {
    return this.send(INITIALIZE, { jsonrpc: "2.0", method: "notifications/initialized" });
  }

  get answerCount(): number {
    return this.#answers.size;
  }

  answer(id: string | number): ClientMessage | undefined {
    return this.#answers.get(id);
  }

  /** Waits for the answer. */
  async answered(id: string | number): Promise<ClientMessage> {
    await vi.waitFor(() => {
      expect(this.#errors).toBe("");
      expect(this.#answers.has(id), `an answer to ${id}`).toBe(true);
    }, POLL);
    return this.#answers.get(id) ?? {};
  }

  /** `allowed`, or why not. */
  async reason(id: string | number): Promise<unknown> {
    const { result, error } = await this.answered(id);
    return result === undefined ? error?.data?.["reason"] : "allowed";
  }

  async kill(): Promise<void> {
    this.process.kill("SIGKILL");
    await this.ended;
  }

  #take(text: string): void {
    const lines = `${this.#rest}${text}`.split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      const space = line.indexOf(" ");
      const to = line.slice(0, space);
      if (to === "ready") {
        this.#isReady = true;
        continue;
      }
      const message: ClientMessage = JSON.parse(line.slice(space + 1));
      if (to === "client") {
        this.received.push(message);
        if (message.method === undefined) this.#answers.set(message.id, message);
      } else if (message.method === "tools/call") this.calls.push(message.id);
    }
  }
}
