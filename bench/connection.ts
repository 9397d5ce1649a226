// A client of one stdio command: sends lines, waits for answers.
import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";

const ANSWER_TIMEOUT_MS = 10_000;

export class Connection {
  readonly #child: ChildProcess;
  readonly #input: Writable;
  readonly #waiting: ((line: string) => void)[] = [];
  readonly #errors: string[] = [];
  #rest = "";
  #hasEnded = false;

  constructor(command: readonly string[]) {
    const [file = "", ...args] = command;
    const child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"] });
    this.#child = child;
    this.#input = child.stdin;
    this.#readLines(child.stdout);
    child.stderr.setEncoding("utf8");
    child.stderr.on("data", (text: string) => this.#errors.push(text));
    child.stdin.on("error", () => this.#end());
    child.on("exit", () => this.#end());
  }

  /** Sends one request and returns the next line; an empty one when the process ended. */
  async ask(request: string): Promise<string> {
    const [answer = ""] = await this.askAll([request]);
    return answer;
  }

  /** Sends all requests at once and returns as many lines. */
  askAll(requests: readonly string[]): Promise<string[]> {
    const answers = requests.map(
      () =>
        new Promise<string>((resolve) => {
          if (this.#hasEnded) resolve("");
          else this.#waiting.push(resolve);
        }),
    );
    const timer = setTimeout(() => this.#end(), ANSWER_TIMEOUT_MS);
    this.#input.write(`${requests.join("\n")}\n`);
    return Promise.all(answers).finally(() => clearTimeout(timer));
  }

  notify(message: string): void {
    this.#input.write(`${message}\n`);
  }

  /** What the process wrote to stderr. */
  get errorText(): string {
    return this.#errors.join("").trim();
  }

  /** Ends the process and waits for it. */
  async close(): Promise<void> {
    const hasExited = this.#child.exitCode !== null || this.#child.signalCode !== null;
    const exit = new Promise<void>((resolve) => this.#child.once("exit", () => resolve()));
    this.#input.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 3000);
    if (!hasExited) await exit;
    clearTimeout(timer);
  }

  #readLines(output: Readable): void {
    output.setEncoding("utf8");
    output.on("data", (chunk: string) => {
      const lines = (this.#rest + chunk).split("\n");
      this.#rest = lines.pop() ?? "";
      for (const line of lines) this.#waiting.shift()?.(line);
    });
  }

  #end(): void {
    this.#hasEnded = true;
    for (const resolve of this.#waiting.splice(0)) resolve("");
  }
}
