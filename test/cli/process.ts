// The built command line as a process, and temporary folders for it.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect } from "vitest";

export const MAIN: string = fileURLToPath(new URL("../../build/esm/bin/main.js", import.meta.url));
const TESTING = fileURLToPath(new URL("../../build/esm/testing/", import.meta.url));

/** The mock server with its options in a file. */
export function mockCommand(optionsFile: string): readonly string[] {
  return [process.execPath, join(TESTING, "stdio-server-process.js"), `@${optionsFile}`];
}

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string | Uint8Array;
  /** Milliseconds to wait before standard output is read. */
  readonly readDelayMs?: number;
}

const folders: string[] = [];

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A folder that is removed after the test file. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-test-"));
  folders.push(folder);
  return folder;
}

/** Runs one command line; its own HOME, so that nobody's real home is ever touched. */
export async function cli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const { cwd, env = {}, input = "", readDelayMs = 0 } = options;
  const child = spawn(process.execPath, [MAIN, ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { PATH: process.env["PATH"] ?? "", HOME: tempHome(), ...env },
  });
  const exit = new Promise<number | null>((resolve) => child.on("close", resolve));
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  if (readDelayMs > 0) await new Promise((resolve) => setTimeout(resolve, readDelayMs));
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout) chunks.push(chunk);
  return { code: await exit, stdout: Buffer.concat(chunks).toString(), stderr };
}

/** Runs a command that must be fine; gives its JSON document. */
export async function cliJson(
  args: readonly string[],
  options: CliOptions = {},
): Promise<Record<string, unknown>> {
  const result = await cli(withJson(args), options);
  expect({ args, code: result.code, stderr: result.stderr, stdout: result.stdout }).toMatchObject({
    code: 0,
  });
  return jsonOf(result);
}

/** The JSON document on standard output: one, and nothing else. */
export function jsonOf(result: CliResult): Record<string, unknown> {
  const value: unknown = JSON.parse(result.stdout);
  if (typeof value === "object" && value !== null) return Object.fromEntries(Object.entries(value));
  return expect.fail(`expected a JSON object, got ${result.stdout}`);
}

/** Asserts a fault: exit 2, one line on standard error, and the same code as JSON. */
export async function expectFault(
  args: readonly string[],
  code: string,
  options: CliOptions = {},
): Promise<string> {
  const plain = await cli(args, options);
  expect({ args, ...plain }).toMatchObject({ code: 2, stdout: "" });
  expect(plain.stderr).toMatch(/^portcullis: [^\n]+ \([A-Z_]+\)\n$/);
  expect(plain.stderr).toContain(`(${code})`);
  const asJson = await cli(withJson(args), options);
  expect({ args, code: asJson.code, stderr: asJson.stderr }).toMatchObject({ code: 2, stderr: "" });
  expect(jsonOf(asJson)).toEqual({ ok: false, error: { code, message: expect.any(String) } });
  return plain.stderr;
}

function withJson(args: readonly string[]): readonly string[] {
  const end = args.indexOf("--");
  return end === -1 ? [...args, "--json"] : args.toSpliced(end, 0, "--json");
}

let home: string | undefined;

function tempHome(): string {
  home ??= tempFolder();
  return home;
}
