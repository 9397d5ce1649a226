// The stage of the demo: a temporary home and workspace, real processes, and their logs.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

import { GuardError } from "../errors.ts";
import { loadSqliteDriver } from "../store/sqlite-driver.ts";
import { type AgentAnswer, connectAgent, type DemoAgent } from "../testing/demo-agent.ts";
import { readMockLog } from "../testing/mock-log.ts";
import type { MockOptions } from "../testing/mock-options.ts";
import { readArguments } from "./arguments.ts";
import { auditReplayCommand } from "./audit-replay.ts";
import { auditVerifyCommand } from "./audit-verify.ts";
import { checkCommand } from "./check.ts";
import type { Io, ReportCommand } from "./command.ts";
import {
  type DemoCase,
  DRIFT_SERVER,
  FILES_SERVER,
  NOTES_TOOLS,
  REVIEW,
  SMUGGLE_SERVER,
  TICKETS_TOOLS,
  UNKNOWN_SERVER,
  WEB_SERVER,
  WEB_TOOLS,
} from "./demo-cases.ts";
import { keyNewCommand } from "./key-new.ts";
import { leaseGrantCommand } from "./lease-grant.ts";
import { pinCommand } from "./pin.ts";
import { rootInitCommand } from "./root-init.ts";
import { signCommand } from "./sign.ts";
import { CATALOG_NAME } from "./trust-files.ts";

const FILES_PACKAGE = "@modelcontextprotocol/server-filesystem";
const FILES_VERSION = "2026.8.31";
const README = "The drawbridge is up.\nOnly those on the list come in.\n";

/** What came of one case. */
export interface Played {
  readonly answer: AgentAnswer;
  /** Calls that reached the server while the case ran. */
  readonly upstreamCalls: number;
}

type Step = readonly [ReportCommand, readonly string[]];

/** What one command says of the audit logs. */
export interface DemoAudit {
  readonly command: string;
  readonly isSound: boolean;
  readonly text: string;
}

/** A guarded host in a temporary folder. */
export class DemoStage {
  readonly path: string;
  readonly workspace: string;
  readonly #home: string;
  readonly #io: Io;
  readonly #hasSqlite: boolean = hasSqlite();
  /** Server -> command. */
  readonly #commands = new Map<string, readonly string[]>();

  /** @throws {GuardError} DEPENDENCY_MISSING when the filesystem server is not installed. */
  constructor(io: Io) {
    const filesServer = findFilesServer();
    this.path = mkdtempSync(join(tmpdir(), "portcullis-demo-"));
    this.workspace = join(this.path, "workspace");
    this.#home = join(this.path, "home");
    this.#io = io;
    mkdirSync(this.workspace);
    writeFileSync(join(this.workspace, "README.md"), README);
    const tap = testingProgram("stdio-tap-process.js");
    const node = process.execPath;
    this.#commands.set(FILES_SERVER, [
      ...[node, tap, this.#logFile(FILES_SERVER)],
      ...[node, filesServer, this.workspace],
    ]);
    for (const id of [DRIFT_SERVER, SMUGGLE_SERVER, WEB_SERVER, UNKNOWN_SERVER]) {
      this.#commands.set(id, [
        node,
        testingProgram("stdio-server-process.js"),
        `@${this.#optionsFile(id)}`,
      ]);
    }
    this.turn(DRIFT_SERVER, { tools: NOTES_TOOLS });
    this.turn(SMUGGLE_SERVER, { tools: TICKETS_TOOLS });
    this.turn(WEB_SERVER, { tools: WEB_TOOLS });
    this.turn(UNKNOWN_SERVER, { tools: NOTES_TOOLS });
  }

  /** Makes a mock server behave otherwise from its next start on; its command stays the same. */
  turn(server: string, options: MockOptions): void {
    const logged = { ...options, logFile: this.#logFile(server) };
    writeFileSync(this.#optionsFile(server), JSON.stringify(logged));
  }

  /**
   * Sets the host up as an operator would: a key, a trust root, four pinned servers, a review, a
   * signature, a lease.
   *
   * @returns the command lines, as a person would type them.
   */
  async setUp(): Promise<readonly string[]> {
    const key = join(this.path, "operator.pem");
    const dir = ["--dir", this.#home];
    const lease = ["--server", FILES_SERVER, "--tool", "write_file", "--max", "1"];
    const leaseStep: Step = [leaseGrantCommand, [...lease, "--state-changing", ...dir]];
    const pins: readonly Step[] = [
      [keyNewCommand, ["--out", key]],
      [rootInitCommand, ["--key", key, ...dir]],
      ...[FILES_SERVER, DRIFT_SERVER, SMUGGLE_SERVER, WEB_SERVER].map(
        (id): Step => [pinCommand, [id, ...dir, "--", ...this.#commandOf(id)]],
      ),
    ];
    const grants: readonly Step[] = [
      [signCommand, ["--key", key, ...dir]],
      ...(this.#hasSqlite ? [leaseStep] : []),
    ];
    const before = await this.#runAll(pins);
    this.#review();
    return [
      ...before,
      "edit catalog.toml   # a lease to write, what is private, what that stops",
    ].concat(await this.#runAll(grants));
  }

  async #runAll(steps: readonly Step[]): Promise<readonly string[]> {
    const lines: string[] = [];
    for (const [{ spec, run }, argv] of steps) {
      this.#io.progress(`  ${spec.name} ${argv[0] ?? ""}`);
      await run(readArguments(spec, argv), this.#io);
      lines.push(`portcullis ${spec.name} ${shorten(argv, this.path)}`);
    }
    return lines;
  }

  /** Adds the operator's own lines to the tables that `pin` proposed. */
  #review(): void {
    const file = join(this.#home, CATALOG_NAME);
    let text = readFileSync(file, "utf8");
    for (const [table, lines] of REVIEW) {
      const head = `[${table}]\n`;
      if (!text.includes(head)) {
        throw new GuardError("CATALOG_SCHEMA", `expected the table ${table} in the pinned catalog`);
      }
      text = text.replace(head, `${head}${lines}\n`);
    }
    writeFileSync(file, text);
  }

  /** What `audit verify` and `audit replay` say of everything that happened. */
  async audit(): Promise<readonly DemoAudit[]> {
    const reports: DemoAudit[] = [];
    for (const { spec, run } of [auditVerifyCommand, auditReplayCommand]) {
      this.#io.progress(`  ${spec.name}`);
      const { exitCode, text } = await run(readArguments(spec, ["--dir", this.#home]), this.#io);
      reports.push({ command: spec.name, isSound: exitCode === 0, text });
    }
    return reports;
  }

  /** Leases are kept in SQLite, which a machine may lack. */
  get canLease(): boolean {
    return this.#hasSqlite;
  }

  /** Lets an agent make one call through `portcullis run`, in processes of their own. */
  async play(demoCase: DemoCase): Promise<Played> {
    const before = this.#callsReceived(demoCase.server);
    const answer = await this.#ask(demoCase);
    return { answer, upstreamCalls: this.#callsReceived(demoCase.server) - before };
  }

  async #ask(demoCase: DemoCase): Promise<AgentAnswer> {
    const { server, tool, args, runOptions } = demoCase;
    const isListed = server !== UNKNOWN_SERVER;
    let agent: DemoAgent;
    try {
      agent = await connectAgent({
        command: [
          ...[process.execPath, fileURLToPath(new URL("./main.js", import.meta.url))],
          ...["run", "--dir", this.#home, "--server", server, ...runOptions],
          ...(isListed ? [] : ["--", ...this.#commandOf(server)]),
        ],
        env: environment(),
      });
    } catch (fault) {
      if (!(fault instanceof GuardError) || fault.code !== "SERVER_START") throw fault;
      return {
        outcome: "not_started",
        reason: await this.#reasonOf(demoCase),
        text: fault.message,
      };
    }
    try {
      await agent.listTools();
      return await agent.callTool(tool, args);
    } finally {
      await agent.close();
    }
  }

  /** What `portcullis check` says to a call that no guard was started for. */
  async #reasonOf({ server, tool }: DemoCase): Promise<string> {
    const { spec, run } = checkCommand;
    const argv = ["--dir", this.#home, "--server", server, "--tool", tool];
    const { decision } = (await run(readArguments(spec, argv), this.#io)).json;
    const isKnown = typeof decision === "object" && decision !== null && "reason" in decision;
    return isKnown ? String(decision.reason) : "unknown";
  }

  exists(name: string): boolean {
    return existsSync(join(this.workspace, name));
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true, maxRetries: 5 });
  }

  #callsReceived(server: string): number {
    const file = this.#logFile(server);
    return existsSync(file) ? readMockLog(readFileSync(file, "utf8")).callsReceived : 0;
  }

  #commandOf(server: string): readonly string[] {
    return this.#commands.get(server) ?? [];
  }

  #logFile(server: string): string {
    return join(this.path, `${server}.log`);
  }

  #optionsFile(server: string): string {
    return join(this.path, `${server}.json`);
  }
}

function hasSqlite(): boolean {
  try {
    loadSqliteDriver();
    return true;
  } catch {
    return false;
  }
}

function testingProgram(name: string): string {
  return fileURLToPath(new URL(`../testing/${name}`, import.meta.url));
}

/** The program of the official filesystem server. */
function findFilesServer(): string {
  try {
    const manifest = createRequire(import.meta.url).resolve(`${FILES_PACKAGE}/package.json`);
    return join(dirname(manifest), "dist", "index.js");
  } catch (cause) {
    const install = `npm install --no-save ${FILES_PACKAGE}@${FILES_VERSION}`;
    const message = `expected the package ${FILES_PACKAGE}, got none; run ${install}`;
    throw new GuardError("DEPENDENCY_MISSING", message, { cause });
  }
}

/** What the guard needs of this process's environment, and nothing that names another home. */
function environment(): Readonly<Record<string, string>> {
  const names = ["HOME", "NODE_OPTIONS", "PATH", "TMPDIR", "TEMP", "SystemRoot", "USERPROFILE"];
  const known = names.map((name): [string, string] => [name, process.env[name] ?? ""]);
  return Object.fromEntries(known.filter(([, value]) => value !== ""));
}

/** A command line with the temporary folder left out and programs by their last name. */
function shorten(argv: readonly string[], folder: string): string {
  const end = argv.indexOf("--dir");
  const shown = argv.filter((_, index) => end === -1 || (index !== end && index !== end + 1));
  return shown
    .map((part) => (part === process.execPath ? "node" : part.replaceAll(`${folder}/`, "")))
    .map((part) =>
      part.includes("/build/") || part.includes("/node_modules/")
        ? `.../${part.split("/").at(-1)}`
        : part,
    )
    .join(" ");
}
