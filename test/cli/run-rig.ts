// Homes with several servers behind `portcullis run`; run-client.ts has the clients.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { applyPins, type ItemPin } from "../../src/catalog/edit.ts";
import { draftCatalog } from "../../src/cli/catalog-draft.ts";
import { fingerprintTool } from "../../src/manifest/fingerprint.ts";
import type { GuardRecord } from "../../src/proxy/records.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import type { SyncStateStore } from "../../src/store/types.ts";
import { FIXTURE_GRANTS, FIXTURE_TOOLS } from "../../src/testing/fixtures.ts";
import { type MockLog, readMockLog } from "../../src/testing/mock-log.ts";
import type { MockOptions, ToolDefinition } from "../../src/testing/mock-options.ts";
import { cliJson, MAIN, mockCommand, tempFolder } from "./process.ts";

export interface ServerSetup {
  readonly options?: MockOptions;
  /** Further keys of the server's table. */
  readonly keys?: string;
  /** Further keys of tools, by name. */
  readonly tools?: Readonly<Record<string, string>>;
  /** Tools beside the fixture's, which the server offers too; pinned as tools that write. */
  readonly more?: readonly ToolDefinition[];
}

/** A home whose catalog has these servers, each a mock server with the fixture tools. */
export class RunHome {
  readonly dir: string;
  readonly folder: string;
  readonly #more = new Map<string, readonly ToolDefinition[]>();

  private constructor(folder: string) {
    this.folder = folder;
    this.dir = join(folder, "home");
  }

  /** @param rest text behind the servers, rules for example */
  static async make(servers: Readonly<Record<string, ServerSetup>>, rest = ""): Promise<RunHome> {
    const home = new RunHome(tempFolder());
    await cliJson(["key", "new", "--out", home.key]);
    await cliJson(["root", "init", "--key", home.key, "--dir", home.dir]);
    let text = draftCatalog("acme-agents", Date.now() - 60_000);
    for (const [id, setup] of Object.entries(servers)) {
      home.#more.set(id, setup.more ?? []);
      home.turn(id, setup.options ?? {});
      text = home.#withServer(text, id, setup);
    }
    writeFileSync(join(home.dir, "catalog.toml"), `${text}\n${rest}`);
    await cliJson(["sign", "--key", home.key, "--dir", home.dir]);
    return home;
  }

  /** The private key that signs. */
  get key(): string {
    return join(this.folder, "alice.pem");
  }

  /** Changes the catalog that is not signed yet. */
  rewrite(edit: (text: string) => string): void {
    const path = join(this.dir, "catalog.toml");
    writeFileSync(path, edit(readFileSync(path, "utf8")));
  }

  /** Signs another text of the catalog. */
  async resign(edit: (text: string) => string): Promise<void> {
    this.rewrite(edit);
    await cliJson(["sign", "--key", this.key, "--dir", this.dir]);
  }

  #withServer(text: string, id: string, { keys = "", tools = {}, more = [] }: ServerSetup): string {
    const own = { scope: ["fs.write"], effect: "write" } as const;
    const pins = [...FIXTURE_TOOLS, ...more].map((tool): [string, ItemPin] => {
      const { scope, effect } = FIXTURE_GRANTS.get(tool.name) ?? own;
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
    const tools = [...(options.tools ?? FIXTURE_TOOLS), ...(this.#more.get(id) ?? [])];
    writeFileSync(this.#optionsFile(id), JSON.stringify({ ...options, tools, logFile }));
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
