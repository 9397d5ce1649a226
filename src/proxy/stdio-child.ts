// A stdio server as a child process: how it is started, and how it is made to end.
import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import type { Readable, Writable } from "node:stream";
import { GuardError, quote } from "../errors.ts";

/** Variables every child gets, as the MCP SDKs give them. */
const ENV_BASIC_POSIX = ["HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"] as const;
const ENV_BASIC_WINDOWS = [
  "APPDATA",
  "HOMEDRIVE",
  "HOMEPATH",
  "LOCALAPPDATA",
  "PATH",
  "PROCESSOR_ARCHITECTURE",
  "PROGRAMFILES",
  "SYSTEMDRIVE",
  "SYSTEMROOT",
  "TEMP",
  "USERNAME",
  "USERPROFILE",
] as const;

/** Programs that are batch files on Windows. */
const BATCH_PROGRAMS: ReadonlySet<string> = new Set(["npx", "npm", "pnpm", "yarn"]);
/** What cmd.exe would take for more than text, in or out of quotes. */
const CMD_SPECIAL = /["%!^&|<>()\r\n]/;

/** Milliseconds between the end of stdin and SIGTERM, and between SIGTERM and SIGKILL. */
export const CHILD_PATIENCE_MS = 2_000;

export interface ChildOptions {
  /** argv. */
  readonly command: readonly string[];
  /** Names of variables beyond the basic ones; those that are not set are left out. */
  readonly env: readonly string[];
  /** Variables with their values, as a client's configuration has them. */
  readonly variables?: Readonly<Record<string, string>>;
  /** `inherit`, or where its stderr goes. */
  readonly stderr: "inherit" | "pipe" | "ignore";
}

/** What is really spawned. */
export interface SpawnLine {
  readonly file: string;
  readonly args: readonly string[];
  readonly isVerbatim: boolean;
}

/**
 * The command line for a platform: on Windows `npx` and its like are batch files, which only
 * cmd.exe can run.
 *
 * @throws {GuardError} SERVER_START when an argument of a batch file would mean something to
 *   cmd.exe, or there is no program
 */
export function spawnLine(command: readonly string[], platform: string): SpawnLine {
  const [file, ...args] = command;
  if (file === undefined || file === "") {
    throw new GuardError("SERVER_START", "expected a program to start, got none");
  }
  if (platform !== "win32" || !BATCH_PROGRAMS.has(file.toLowerCase())) {
    return { file, args, isVerbatim: false };
  }
  const special = args.find((argument) => CMD_SPECIAL.test(argument));
  if (special !== undefined) {
    const message = `expected an argument without characters of cmd.exe, got ${quote(special)}; name the program behind ${file} instead`;
    throw new GuardError("SERVER_START", message);
  }
  const line = [`${file}.cmd`, ...args.map((argument) => `"${argument}"`)].join(" ");
  return { file: "cmd.exe", args: ["/d", "/s", "/c", `"${line}"`], isVerbatim: true };
}

/** The environment of a child: the basic variables, and those of `names` that are set. */
export function childEnvironment(
  names: readonly string[],
  from: Readonly<Record<string, string | undefined>>,
  platform: string,
): Record<string, string> {
  const basic = platform === "win32" ? ENV_BASIC_WINDOWS : ENV_BASIC_POSIX;
  const environment: Record<string, string> = {};
  for (const name of [...basic, ...names]) {
    const value = from[name];
    // WHY: a value that begins with () is a function that some shells export
    if (value !== undefined && !value.startsWith("()")) environment[name] = value;
  }
  return environment;
}

/** How a child ended. */
export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running server with the pipes it speaks through. */
export class StdioChild {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable | null;
  /** Resolves when the process has ended; its last output may still be unread. */
  readonly exit: Promise<ChildExit>;
  readonly #process: ChildProcess;
  #hasEnded = false;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();

  private constructor(child: ChildProcess, stdin: Writable, stdout: Readable) {
    this.#process = child;
    this.stdin = stdin;
    this.stdout = stdout;
    this.stderr = child.stderr;
    this.exit = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        this.#hasEnded = true;
        for (const timer of this.#timers) clearTimeout(timer);
        // what it has started is of its group and ends with it
        this.#signalGroup("SIGKILL");
        resolve({ code, signal });
      });
    });
    // a reader that is gone is noticed as the exit of the process
    stdin.on("error", () => undefined);
  }

  /**
   * Starts a server in a process group of its own.
   *
   * @throws {GuardError} SERVER_START when it cannot be started
   */
  static async start(options: ChildOptions): Promise<StdioChild> {
    const { file, args, isVerbatim } = spawnLine(options.command, process.platform);
    const child = spawn(file, args, {
      detached: process.platform !== "win32",
      env: {
        ...childEnvironment(options.env, process.env, process.platform),
        ...options.variables,
      },
      stdio: ["pipe", "pipe", options.stderr],
      windowsHide: true,
      windowsVerbatimArguments: isVerbatim,
    });
    const { stdin, stdout } = child;
    const running = stdin && stdout ? new StdioChild(child, stdin, stdout) : undefined;
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (cause) => {
        const message = `expected to start ${quote(file)}, got ${cause.message}; is it installed?`;
        reject(new GuardError("SERVER_START", message, { cause }));
      });
    });
    if (running === undefined) throw new GuardError("SERVER_START", "expected pipes to the server");
    child.on("error", () => undefined);
    return running;
  }

  /** Sends a signal to the whole process group. */
  signal(signal: NodeJS.Signals): void {
    if (!this.#hasEnded) this.#signalGroup(signal);
  }

  /**
   * Ends stdin; a process that does not end by itself gets SIGTERM, and then SIGKILL.
   *
   * @param patienceMs before each of the two
   */
  close(patienceMs: number = CHILD_PATIENCE_MS): void {
    this.stdin.end();
    this.#later(patienceMs, () => this.terminate(patienceMs));
  }

  /** SIGTERM now, SIGKILL after `patienceMs`. */
  terminate(patienceMs: number): void {
    this.signal("SIGTERM");
    this.#later(patienceMs, () => this.signal("SIGKILL"));
  }

  #later(delayMs: number, run: () => void): void {
    if (this.#hasEnded) return;
    this.#timers.add(setTimeout(run, delayMs));
  }

  #signalGroup(signal: NodeJS.Signals): void {
    const { pid } = this.#process;
    if (pid === undefined) return;
    try {
      if (process.platform === "win32") this.#process.kill(signal);
      else process.kill(-pid, signal);
    } catch {
      // the group is gone, which is what was wanted
    }
  }
}
