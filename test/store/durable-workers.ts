// The Durable Object in real workerd, through miniflare, for the tests.
import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { afterAll } from "vitest";
import { openDurableObjectStore } from "../../src/store/durable-object.ts";
import type { AsyncStateStore } from "../../src/store/types.ts";
import { lackOf, pathOf } from "../portable/runtimes.js";

/** Why there is none; `undefined` when there is one. PORTCULLIS_REQUIRE_ALL=1 makes a skip a failure. */
export const lackOfWorkerd: string | undefined = lackOf(["miniflare", "workerd", "node22"]);

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const KERNEL = here("../../build/kernel/kernel.wasm");

/** What a Worker's bundler does with an imported .wasm file: it stays an import of a module. */
const compiledModules: Plugin = {
  name: "compiled-modules",
  setup({ onResolve }) {
    onResolve({ filter: /\.wasm(\?module)?$/ }, () => ({ path: "./kernel.wasm", external: true }));
  },
};

/** Starts a script that starts miniflare, in a process group of its own: workerd is killed with it. */
export function spawnHost(script: string, options: object): ChildProcessWithoutNullStreams {
  const node22 = pathOf("node22");
  if (node22 === undefined) throw new Error("expected node22, which `npm run runtimes` installs");
  return spawn(node22, [script, JSON.stringify(options)], {
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
    env: { ...process.env, MINIFLARE_WORKERD_PATH: pathOf("workerd") },
  });
}

export interface Workers {
  readonly url: string;
  /** The store in the object of this name. */
  readonly store: (name: string) => AsyncStateStore;
  /** What the Worker of an isolate answers; see `worker-isolate.js`. */
  readonly ask: (isolate: number, path: string) => Promise<unknown>;
  /** Ends workerd at once, as a crash does; resolves when it is gone. */
  readonly kill: () => Promise<void>;
}

const running = new Set<Workers>();
const folders: string[] = [];

/** Ends every server of this file when its tests are done. */
export function endWorkersAfterwards(): void {
  afterAll(async () => {
    await Promise.all([...running].map(({ kill }) => kill()));
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });
}

/** A folder with both Workers bundled, where their objects are kept as well. */
export async function makeWorkers(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-workers-"));
  folders.push(folder);
  for (const name of ["worker-front", "worker-isolate"]) {
    await build({
      entryPoints: [here(`${name}.js`)],
      outfile: join(folder, `${name}.js`),
      bundle: true,
      format: "esm",
      target: "es2022",
      conditions: ["workerd", "worker"],
      plugins: [compiledModules],
      logLevel: "warning",
    });
  }
  cpSync(KERNEL, join(folder, "kernel.wasm"));
  return folder;
}

/** Serves the Workers of a folder. */
export async function startWorkers(folder: string, isolates = 0): Promise<Workers> {
  const persist = join(folder, "objects");
  mkdirSync(persist, { recursive: true });
  const options = {
    miniflare: pathOf("miniflare"),
    front: join(folder, "worker-front.js"),
    isolate: join(folder, "worker-isolate.js"),
    kernel: join(folder, "kernel.wasm"),
    isolates,
    persist,
    root: folder,
  };
  const child = spawnHost(here("durable-host.js"), options);
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const url = await urlOf(child);
  const workers: Workers = {
    url,
    store: (name) => openDurableObjectStore(stubAt(url, name), { timeoutMs: 20_000 }),
    ask: async (isolate, path) => {
      const response = await fetch(`${url}/isolate/${isolate}/${path}`);
      if (!response.ok) throw new Error(`status ${response.status}: ${await response.text()}`);
      return await response.json();
    },
    kill: async () => {
      running.delete(workers);
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      await ended;
    },
  };
  running.add(workers);
  return workers;
}

/** As a stub is, from outside. */
function stubAt(url: string, name: string): Parameters<typeof openDurableObjectStore>[0] {
  return { fetch: (_, init) => fetch(`${url}/object/${name}`, init) };
}

/** Where the server says that it listens, in its first line. */
export function urlOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    let errors = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (!said.includes("\n")) return;
      const answer: { url: string } = JSON.parse(said.slice(0, said.indexOf("\n")));
      resolve(answer.url);
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.once("close", (code) => reject(new Error(`miniflare ended with ${code}: ${errors}`)));
  });
}
