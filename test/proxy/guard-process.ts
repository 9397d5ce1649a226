// The guard as a process of its own: compiled once a test file, started by a script that trusts a
// catalog and calls runStdioGuard.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll } from "vitest";
import type { GuardRecord } from "../../src/proxy/records.ts";
import { type MockLog, type MockOptions, readMockLog } from "../../src/testing/index.ts";
import { NOW_MS, rootSettings, signedCatalog, signedRoot } from "../fixtures/trust.ts";

const REPOSITORY = resolve(import.meta.dirname, "../..");

const SCRIPT = `import { appendFileSync, readFileSync } from "node:fs";
import { TrustedCatalog } from "./out/catalog/trusted.js";
import { settleOptimizer } from "./out/cli/optimizer.js";
import { runStdioGuard } from "./out/proxy/stdio-run.js";
const { envelope, root, nowMs, recordFile, ...options } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const clock = () => nowMs;
const onRecord = (record) => appendFileSync(recordFile, JSON.stringify(record) + "\\n");
try {
  const catalog = await TrustedCatalog.open({ envelope, root, clock });
  process.exitCode = await runStdioGuard({ catalog, clock, onRecord, ...options });
} catch (error) {
  process.stderr.write(error.code + ": " + error.message + "\\n");
  process.exitCode = 2;
}
await settleOptimizer();
`;

const IMPORTS = {
  "#host": "./out/host/node.js",
  "#kernel": "./build/kernel/kernel-node.js",
  "#patterns": "./build/kernel/patterns.js",
};

let folder = "";
const children: ChildProcess[] = [];

/** Compiles src and writes the script; call it at the top of a test file. */
export function useGuardProcess(): void {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "portcullis-guard-"));
    symlinkSync(join(REPOSITORY, "node_modules"), join(folder, "node_modules"));
    symlinkSync(join(REPOSITORY, "build"), join(folder, "build"));
    const manifest = { type: "module", imports: IMPORTS };
    writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
    const config = join(folder, "tsconfig.json");
    const compilerOptions = {
      rootDir: join(REPOSITORY, "src"),
      outDir: join(folder, "out"),
      typeRoots: [join(REPOSITORY, "node_modules/@types")],
    };
    const entries = [
      "host/node",
      "cli/optimizer",
      "catalog/trusted",
      "proxy/stdio-run",
      "testing/stdio-server-process",
    ];
    const files = entries.map((entry) => join(REPOSITORY, "src", `${entry}.ts`));
    const extended = join(REPOSITORY, "tsconfig.json");
    const settings = { extends: extended, compilerOptions, files, include: [] };
    writeFileSync(config, JSON.stringify(settings));
    const compiler = join(REPOSITORY, "node_modules/typescript/bin/tsc");
    execFileSync(process.execPath, [compiler, "-p", config], { stdio: "pipe" });
    writeFileSync(join(folder, "guard.js"), SCRIPT);
  });
  afterAll(() => {
    for (const child of children) child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });
}

/** A fresh folder below the test's own. */
export function scratch(): string {
  return mkdtempSync(join(folder, "scratch-"));
}

/** The mock server's argv; its options are in a file, which may change between two starts. */
export function mockCommand(options: MockOptions): string[] {
  const file = join(scratch(), "options.json");
  writeFileSync(file, JSON.stringify(options));
  return [process.execPath, join(folder, "out/testing/stdio-server-process.js"), `@${file}`];
}

export function mockLog(file: string): MockLog {
  return readMockLog(existsSync(file) ? readFileSync(file, "utf8") : "");
}

export interface GuardSetup {
  readonly toml: string;
  readonly serverId: string;
  readonly command?: readonly string[];
  readonly principal?: string;
  readonly denyAs?: "error" | "result";
}

/** argv of a guard, and the file its records are in. */
export function guardCommand(setup: GuardSetup): { argv: string[]; recordFile: string } {
  const { toml, ...options } = setup;
  const place = scratch();
  const recordFile = join(place, "records.jsonl");
  const config = {
    envelope: Buffer.from(signedCatalog(toml)).toString("utf8"),
    root: Buffer.from(signedRoot(rootSettings())).toString("utf8"),
    nowMs: NOW_MS,
    recordFile,
    ...options,
  };
  const file = join(place, "guard.json");
  writeFileSync(file, JSON.stringify(config));
  return { argv: [process.execPath, join(folder, "guard.js"), file], recordFile };
}

export function readRecords(file: string): GuardRecord[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** A started process with what it has written so far. */
export class Started {
  readonly child: ChildProcess;
  out: Buffer = Buffer.alloc(0);
  err = "";
  readonly exit: Promise<{ code: number | null; signal: string | null }>;

  constructor(argv: readonly string[], env: Record<string, string> = {}) {
    const [file = "", ...args] = argv;
    this.child = spawn(file, args, { stdio: "pipe", env: { ...process.env, ...env } });
    children.push(this.child);
    this.child.stdout?.on("data", (chunk: Buffer) => {
      this.out = Buffer.concat([this.out, chunk]);
    });
    this.child.stderr?.on("data", (chunk: Buffer) => {
      this.err += chunk.toString();
    });
    this.child.stdin?.on("error", () => undefined);
    this.exit = new Promise((done) => {
      this.child.once("close", (code, signal) => done({ code, signal }));
    });
  }

  write(text: string | Uint8Array): void {
    this.child.stdin?.write(text);
  }

  end(text: string | Uint8Array = ""): void {
    this.child.stdin?.end(text);
  }

  /** Whole lines of stdout so far. */
  lines(): string[] {
    return this.out.toString("utf8").split("\n").slice(0, -1);
  }
}

/** True while a process of this id runs; one that nobody has reaped yet does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const stat = `/proc/${pid}/stat`;
  return !existsSync(stat) || !/\) Z /.test(readFileSync(stat, "utf8"));
}
