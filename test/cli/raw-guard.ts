// A `portcullis run` process with a client that writes lines: for faults that no SDK client survives.
import { type ChildProcess, spawn } from "node:child_process";
import { afterAll } from "vitest";
import { FIXTURE_ARGUMENTS } from "../fixtures/calls.ts";
import { tempFolder } from "./process.ts";

const children: ChildProcess[] = [];

afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
});

export class RawGuard {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  stderr = "";
  #rest = "";
  #lastId = 0;
  #isEnded = false;
  readonly #pending = new Map<number, (answer: string) => void>();

  /**
   * @param argv behind `node`
   * @param shell run before Node, e.g. a limit
   */
  constructor(argv: readonly string[], shell = "") {
    const command = ["-c", `${shell}exec "$0" "$@"`, process.execPath, ...argv];
    const env = { PATH: process.env["PATH"] ?? "", HOME: tempFolder() };
    this.child = spawn("/bin/sh", command, { env, stdio: ["pipe", "pipe", "pipe"] });
    children.push(this.child);
    this.child.stdin?.on("error", () => undefined);
    this.child.stderr?.on("data", (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    this.child.stdout?.on("data", (chunk: Buffer) => this.#read(chunk.toString()));
    this.ended = new Promise((resolve) => {
      this.child.on("close", (code) => {
        this.#isEnded = true;
        for (const answer of this.#pending.values()) answer("no answer");
        this.#pending.clear();
        resolve(code);
      });
    });
  }

  /** `allowed`, the reason of a refusal, or `no answer` when the guard ended first. */
  call(name: string): Promise<string> {
    const params = { name, arguments: FIXTURE_ARGUMENTS.get(name) ?? {} };
    return this.#request("tools/call", params);
  }

  /** Resolves when the server was listed. */
  list(): Promise<string> {
    return this.#request("tools/list", {});
  }

  /** The client goes; resolves to the exit code. */
  close(): Promise<number | null> {
    this.child.stdin?.end();
    return this.ended;
  }

  #request(method: string, params: object): Promise<string> {
    this.#lastId += 1;
    const id = this.#lastId;
    if (this.#isEnded) return Promise.resolve("no answer");
    return new Promise((resolve) => {
      this.#pending.set(id, resolve);
      this.child.stdin?.write(`${JSON.stringify({ jsonrpc: "2.0", id, method, params })}\n`);
    });
  }

  #read(chunk: string): void {
    const lines = (this.#rest + chunk).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      const { id, error } = JSON.parse(line);
      const resolve = this.#pending.get(id);
      this.#pending.delete(id);
      resolve?.(error === undefined ? "allowed" : (error.data?.reason ?? error.message));
    }
  }
}
