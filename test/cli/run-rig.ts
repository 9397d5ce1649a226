// `portcullis run` behind real clients: homes with several servers, and clients of both SDKs.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client as ClientOfSdk2 } from "@modelcontextprotocol/client";
import { StdioClientTransport as TransportOfSdk2 } from "@modelcontextprotocol/client/stdio";
import { Client as ClientOfSdk1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as TransportOfSdk1 } from "@modelcontextprotocol/sdk/client/stdio.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { applyPins, type ItemPin } from "../../src/catalog/edit.ts";
import { draftCatalog } from "../../src/cli/catalog-draft.ts";
import { fingerprintTool } from "../../src/manifest/fingerprint.ts";
import type { GuardRecord } from "../../src/proxy/records.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import type { SyncStateStore } from "../../src/store/types.ts";
import { FIXTURE_GRANTS, FIXTURE_TOOLS } from "../../src/testing/fixtures.ts";
import { type MockLog, readMockLog } from "../../src/testing/mock-log.ts";
import type { MockOptions } from "../../src/testing/mock-options.ts";
import { FIXTURE_ARGUMENTS } from "../fixtures/calls.ts";
import { cliJson, MAIN, mockCommand, tempFolder } from "./process.ts";

export interface ServerSetup {
  readonly options?: MockOptions;
  /** Further keys of the server's table. */
  readonly keys?: string;
  /** Further keys of tools, by name. */
  readonly tools?: Readonly<Record<string, string>>;
}

/** A home whose catalog has these servers, each a mock server with the fixture tools. */
export class RunHome {
  readonly dir: string;
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
    this.dir = join(folder, "home");
  }

  static async make(servers: Readonly<Record<string, ServerSetup>>): Promise<RunHome> {
    const home = new RunHome(tempFolder());
    const key = join(home.folder, "alice.pem");
    await cliJson(["key", "new", "--out", key]);
    await cliJson(["root", "init", "--key", key, "--dir", home.dir]);
    let text = draftCatalog("acme-agents", Date.now() - 60_000);
    for (const [id, setup] of Object.entries(servers)) {
      home.turn(id, setup.options ?? {});
      text = home.#withServer(text, id, setup);
    }
    writeFileSync(join(home.dir, "catalog.toml"), text);
    await cliJson(["sign", "--key", key, "--dir", home.dir]);
    return home;
  }

  /** Signs another text of the catalog. */
  async resign(edit: (text: string) => string): Promise<void> {
    const file = join(this.dir, "catalog.toml");
    writeFileSync(file, edit(readFileSync(file, "utf8")));
    await cliJson(["sign", "--key", join(this.folder, "alice.pem"), "--dir", this.dir]);
  }

  #withServer(text: string, id: string, { keys = "", tools = {} }: ServerSetup): string {
    const pins = FIXTURE_TOOLS.map((tool): [string, ItemPin] => {
      const { scope, effect } = FIXTURE_GRANTS.get(tool.name) ?? { scope: [], effect: "read" };
      return [tool.name, { fingerprint: fingerprintTool(tool), scope, effect }];
    });
    const none = new Map<string, ItemPin>();
    const scopes = ["fs.read", "fs.write", "fs.delete", "net.fetch"];
    let made = applyPins(text, id, {
      ...{ tools: new Map(pins), prompts: none, resources: none, resourceTemplates: none },
      server: { command: mockCommand(this.#optionsFile(id)), maxAllowedScope: scopes },
    });
    made = made.replace(`[servers.${id}]\n`, `[servers.${id}]\n${keys}\n`);
    for (const [tool, own] of Object.entries(tools)) {
      const head = `[servers.${id}.tools.${tool}]\n`;
      if (!made.includes(head)) throw new Error(`no table of ${tool}`);
      made = made.replace(head, `${head}${own}\n`);
    }
    return made;
  }

  #optionsFile(id: string): string {
    return join(this.folder, `${id}.json`);
  }

  /** How the server behaves from its next start on; its log begins anew. */
  turn(id: string, options: MockOptions): void {
    const logFile = join(this.folder, `${id}.log`);
    writeFileSync(this.#optionsFile(id), JSON.stringify({ ...options, logFile }));
    writeFileSync(logFile, "");
  }

  log(id: string): MockLog {
    return readMockLog(readFileSync(join(this.folder, `${id}.log`), "utf8"));
  }

  /** Forgets every grant, label and drift. */
  reset(): void {
    for (const name of ["state.db", "state.db-wal", "state.db-shm"]) {
      rmSync(join(this.dir, name), { force: true, recursive: true });
    }
  }

  /** Uses the store as another process would. */
  withStore<T>(action: (store: SyncStateStore) => T): T {
    const store = openSqliteStore(join(this.dir, "state.db"));
    try {
      return action(store);
    } finally {
      store.close();
    }
  }

  get recordFile(): string {
    return join(this.folder, "records.jsonl");
  }

  records(): GuardRecord[] {
    const lines = readFileSync(this.recordFile, "utf8").split("\n");
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
  }

  /** argv of a guard in front of one server. */
  argv(id: string, args: readonly string[] = []): string[] {
    writeFileSync(this.recordFile, "", { flag: "a" });
    return [MAIN, "run", "--dir", this.dir, "--server", id, "--record", this.recordFile, ...args];
  }
}

export type ClientKind = "SDK 1.32" | "SDK 2.4 legacy" | "SDK 2.4 modern";
export const CLIENT_KINDS: readonly ClientKind[] = ["SDK 1.32", "SDK 2.4 legacy", "SDK 2.4 modern"];

/** What a person answers. */
export interface Reply {
  readonly action: "accept" | "decline" | "cancel";
  readonly content?: Record<string, boolean | number | string>;
}

/** A client behind a guard. */
export interface GuardedClient {
  /** Texts of the questions that were put to the person. */
  readonly questions: readonly string[];
  /** What the person says from now on. */
  says(reply: Reply): void;
  /** `allowed`, or why not. */
  call(name: string, args?: object): Promise<unknown>;
  close(): Promise<void>;
}

const INFO = { name: "test-client", version: "1.0.0" };

/** @param reply `undefined`: a client that cannot be asked */
export async function connectClient(
  kind: ClientKind,
  argv: readonly string[],
  reply?: Reply,
): Promise<GuardedClient> {
  const questions: string[] = [];
  let current: Reply = reply ?? { action: "cancel" };
  const asked = (message: string): Reply => {
    questions.push(message);
    return current;
  };
  const isAskable = reply !== undefined;
  const sdk =
    kind === "SDK 1.32"
      ? await sdk1(argv, isAskable, asked)
      : await sdk2(argv, isAskable, asked, kind === "SDK 2.4 modern");
  return {
    questions,
    says: (next) => {
      current = next;
    },
    call: async (name, args = FIXTURE_ARGUMENTS.get(name) ?? {}) => {
      try {
        await sdk.call({ name, arguments: { ...args } });
        return "allowed";
      } catch (error) {
        return reasonOf(error);
      }
    },
    close: () => sdk.close(),
  };
}

interface Sdk {
  call(params: { name: string; arguments: Record<string, unknown> }): Promise<unknown>;
  close(): Promise<void>;
}

type Asked = (message: string) => Reply;

async function sdk1(argv: readonly string[], isAskable: boolean, asked: Asked): Promise<Sdk> {
  const client = new ClientOfSdk1(INFO, { capabilities: isAskable ? { elicitation: {} } : {} });
  if (isAskable) {
    client.setRequestHandler(ElicitRequestSchema, ({ params }) => ({ ...asked(params.message) }));
  }
  const [...args] = argv;
  const server = { command: process.execPath, args, stderr: "ignore" } as const;
  await client.connect(new TransportOfSdk1(server));
  return { call: (params) => client.callTool(params), close: () => client.close() };
}

async function sdk2(
  argv: readonly string[],
  isAskable: boolean,
  asked: Asked,
  isModern: boolean,
): Promise<Sdk> {
  const client = new ClientOfSdk2(INFO, {
    capabilities: isAskable ? { elicitation: {} } : {},
    ...(isModern && { versionNegotiation: { mode: "auto" } }),
  });
  if (isAskable) {
    client.setRequestHandler("elicitation/create", ({ params }) => ({ ...asked(params.message) }));
  }
  const [...args] = argv;
  const server = { command: process.execPath, args, stderr: "ignore" } as const;
  await client.connect(new TransportOfSdk2(server));
  if (client.getProtocolEra() !== (isModern ? "modern" : "legacy")) throw new Error("another era");
  return { call: (params) => client.callTool(params), close: () => client.close() };
}

function reasonOf(error: unknown): unknown {
  const data: unknown = typeof error === "object" && error ? Reflect.get(error, "data") : error;
  return typeof data === "object" && data !== null ? Reflect.get(data, "reason") : String(error);
}
