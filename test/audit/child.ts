// Child processes that write a log of their own into a shared folder.
import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writePrivateKey } from "../../src/sign/key-file.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import type { SyncStateStore } from "../../src/store/types.ts";
import { auditCatalogText } from "../fixtures/audit.ts";
import { host, signedCatalog, signedRoot } from "../fixtures/trust.ts";
import { SAY_SOURCE } from "../fixtures/say-source.ts";

const BUILD = fileURLToPath(new URL("../../build/esm/", import.meta.url));

/** What a child needs: the signed files, the audit key, the store. */
export async function prepareFolder(folder: string): Promise<SyncStateStore> {
  writeFileSync(join(folder, "catalog.dsse.json"), signedCatalog(auditCatalogText()));
  writeFileSync(join(folder, "root.1.dsse.json"), signedRoot());
  writeFileSync(join(folder, "audit.pem"), await writePrivateKey(host), { mode: 0o600 });
  return openSqliteStore(join(folder, "state.db"));
}

/**
 * Starts a child that opens a log in `<folder>/audit` and runs `body`.
 *
 * @param body text of an async function body; `log`, `say(text)`, `call(decision)`, `wait()` (until a
 *   line comes in) and `sleep(ms)` are at hand
 * @param options.shell run before Node, e.g. a limit
 * @param options.before run before the log is opened
 */
export function startLogProcess(
  folder: string,
  body: string,
  { shell = "", before = "" }: { readonly shell?: string; readonly before?: string } = {},
): LogProcess {
  const script = join(folder, `child-${Math.random().toString(36).slice(2)}.mjs`);
  writeFileSync(
    script,
    `
import { readFileSync, writeSync } from "node:fs";
import { hostname } from "node:os";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { auditEvidence } from ${JSON.stringify(`${BUILD}index.js`)};
import { FileAuditLog, openSqliteStore } from ${JSON.stringify(`${BUILD}node.js`)};
import { readPrivateKey } from ${JSON.stringify(`${BUILD}sign/key-file.js`)};
${SAY_SOURCE}
const folder = ${JSON.stringify(folder)};
const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const wait = () => input.next();
const store = openSqliteStore(folder + "/state.db");
${before}
const log = FileAuditLog.open({
  folder: folder + "/audit",
  process: { host: hostname(), pid: process.pid, startMs: Date.now() },
  evidence: auditEvidence({
    signed: { envelope: readFileSync(folder + "/catalog.dsse.json") },
    roots: [readFileSync(folder + "/root.1.dsse.json")],
  }),
  auditKey: await readPrivateKey(readFileSync(folder + "/audit.pem", "utf8")),
  store,
});
const call = (decision = "allow", args) => ({
  kind: "call", timeMs: Date.now(), sessionHash: "5".repeat(64), principalHash: "6".repeat(64),
  server: "files", tool: "read", era: "modern", decision, code: decision === "allow" ? 1 : 14,
  reason: decision === "allow" ? "allowed" : "policy_denied",
  layer: decision === "allow" ? "all" : "rules", taint: 0, args,
});
say("ready " + log.origin);
${body}
process.stdin.destroy();
`,
  );
  const command = `${shell}exec "$0" "$1"`;
  const child = spawn("/bin/sh", ["-c", command, process.execPath, script], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  return new LogProcess(child);
}

export class LogProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly lines: readonly string[]; readonly stderr: string }>;
  #stdout = "";
  #heard: (() => void)[] = [];

  constructor(child: ChildProcess) {
    this.child = child;
    let stderr = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.stdin?.on("error", () => undefined);
    child.stdout?.on("data", (chunk: Buffer) => {
      this.#stdout += chunk.toString();
      for (const heard of this.#heard.splice(0)) heard();
    });
    this.ended = new Promise((resolve) => {
      child.on("close", () => {
        for (const heard of this.#heard.splice(0)) heard();
        // a line that was cut was not heard
        resolve({ lines: this.#stdout.split("\n").slice(0, -1), stderr });
      });
    });
  }

  /** Resolves to the first whole line that begins with `start`. */
  async line(start: string): Promise<string> {
    for (;;) {
      const found = this.#stdout
        .split("\n")
        .slice(0, -1)
        .find((line) => line.startsWith(start));
      if (found !== undefined) return found;
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        const { stderr } = await this.ended;
        throw new Error(`the child ended before it said ${start}: ${stderr}`);
      }
      await new Promise<void>((resolve) => this.#heard.push(resolve));
    }
  }

  go(): void {
    this.child.stdin?.write("go\n");
  }
}
