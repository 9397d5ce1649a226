// examples/worker as it is deployed: bundled as its bundler does, in real workerd, configured by its own
// wrangler.jsonc; only the catalog and the trust root are made here.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { onTestFinished } from "vitest";
import { pathOf } from "../portable/runtimes.js";
import { spawnHost, urlOf } from "../store/durable-workers.ts";

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const EXAMPLE = here("../../examples/worker");
const KERNEL = here("../../build/kernel/kernel.wasm");

/** What the bundler leaves as modules of their own: compiled Wasm, and texts. */
const modulesOfTheirOwn: Plugin = {
  name: "modules-of-their-own",
  setup({ onResolve }) {
    onResolve({ filter: /\.wasm(\?module)?$/ }, () => ({ path: "./kernel.wasm", external: true }));
    onResolve({ filter: /\/trust\/[a-z]+\.txt$/ }, ({ path }) => ({
      path: path.replace("./trust/", "./"),
      external: true,
    }));
  },
};

interface WranglerConfig {
  readonly main: string;
  readonly compatibility_date: string;
  readonly durable_objects: { readonly bindings: readonly { name: string; class_name: string }[] };
  readonly migrations: readonly { readonly new_sqlite_classes: readonly string[] }[];
}

function readConfig(): WranglerConfig {
  const text = readFileSync(join(EXAMPLE, "wrangler.jsonc"), "utf8");
  return JSON.parse(text.replace(/^\s*\/\/.*$/gm, ""));
}

export interface WorkerParts {
  readonly envelope: Uint8Array;
  readonly root: Uint8Array;
  /** Variables and secrets. */
  readonly bindings: Readonly<Record<string, string>>;
}

/** Serves the example until the test is finished; gives its origin. */
export async function startWorker({ envelope, root, bindings }: WorkerParts): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-example-"));
  const config = readConfig();
  await build({
    entryPoints: [join(EXAMPLE, config.main)],
    outfile: join(folder, "worker.js"),
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    conditions: ["workerd", "worker", "browser"],
    plugins: [modulesOfTheirOwn],
    logLevel: "warning",
  });
  cpSync(KERNEL, join(folder, "kernel.wasm"));
  writeFileSync(join(folder, "catalog.txt"), envelope);
  writeFileSync(join(folder, "root.txt"), root);
  const sqlite = new Set(config.migrations.flatMap(({ new_sqlite_classes: names }) => names));
  const worker = {
    compatibilityDate: config.compatibility_date,
    modulesRoot: folder,
    modules: [
      { type: "ESModule", path: join(folder, "worker.js") },
      { type: "CompiledWasm", path: join(folder, "kernel.wasm") },
      { type: "Text", path: join(folder, "catalog.txt") },
      { type: "Text", path: join(folder, "root.txt") },
    ],
    durableObjects: Object.fromEntries(
      config.durable_objects.bindings.map(({ name, class_name: className }) => [
        name,
        { className, useSQLite: sqlite.has(className) },
      ]),
    ),
    bindings,
  };
  const child = spawnHost(here("worker-host.js"), { miniflare: pathOf("miniflare"), worker });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  onTestFinished(async () => {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });
  return await urlOf(child);
}
