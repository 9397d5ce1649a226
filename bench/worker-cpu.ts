// CPU time of the first request to a fresh Worker in real workerd.
import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { DecisionFiles } from "./decision.js";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const RUNTIMES: string = new URL("../../test/portable/runtimes.js", import.meta.url).href;
const CONFIG = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [
    (name = "main.js", esModule = embed "main.js"),
    (name = "kernel.wasm", wasm = embed "kernel.wasm"),
  ],
  bindings = [(name = "FILES", text = embed "files.json")],
  compatibilityDate = "2026-07-01",
);
`;
/** How long workerd is left alone before its clock is read. */
const REST_MS = 60;

interface Runtimes {
  pathOf(name: string): string | undefined;
  lackOf(names: readonly string[]): string | undefined;
}

const { pathOf, lackOf }: Runtimes = await import(RUNTIMES);

/** Why it cannot be measured here; `undefined` when it can. */
export function lackOfWorker(): string | undefined {
  if (!existsSync("/proc/self/schedstat")) return "no /proc/<pid>/schedstat: needs Linux";
  return lackOf(["workerd"]);
}

/**
 * CPU of the thread that runs the Worker, in ms, while it answers its first request: the first decision,
 * and nothing. Each sample is a process of its own.
 */
export async function workerCpuMs(
  files: DecisionFiles,
  sampleCount: number,
): Promise<{ readonly decision: readonly number[]; readonly empty: readonly number[] }> {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-bench-"));
  try {
    await makeWorker(folder, files);
    const decision: number[] = [];
    const empty: number[] = [];
    for (let sample = 0; sample < sampleCount; sample++) {
      empty.push(await firstRequestMs(folder, "/empty", ""));
      decision.push(await firstRequestMs(folder, "/decision", "allow"));
    }
    return { decision, empty };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The Worker as a bundler makes it for a deployment. */
async function makeWorker(folder: string, files: DecisionFiles): Promise<void> {
  await build({
    entryPoints: [here("./decision-worker.js")],
    outfile: join(folder, "main.js"),
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    conditions: ["workerd", "worker", "browser"],
    plugins: [
      {
        name: "compiled-modules",
        setup({ onResolve }) {
          const external = { path: "./kernel.wasm", external: true };
          onResolve({ filter: /\.wasm(\?module)?$/ }, () => external);
        },
      },
    ],
    logLevel: "warning",
  });
  cpSync(here("../kernel/kernel.wasm"), join(folder, "kernel.wasm"));
  writeFileSync(join(folder, "files.json"), JSON.stringify(files));
  writeFileSync(join(folder, "config.capnp"), CONFIG);
}

async function firstRequestMs(folder: string, path: string, expected: string): Promise<number> {
  const config = join(folder, "config.capnp");
  const child = spawn(pathOf("workerd") ?? "", ["serve", config, "--control-fd=3"], {
    stdio: ["ignore", "ignore", "inherit", "pipe"],
  });
  try {
    const port = await portOf(child);
    await sleep(REST_MS);
    const before = threadCpuMs(child);
    const answer = await (await fetch(`http://127.0.0.1:${port}${path}`)).text();
    await sleep(REST_MS);
    const after = threadCpuMs(child);
    if (answer !== expected) throw new Error(`expected "${expected}", got "${answer}"`);
    return after - before;
  } finally {
    child.kill("SIGKILL");
  }
}

/** The port that workerd listens on, from its control messages. */
function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let messages = "";
    const control = child.stdio[3] as Readable;
    control.on("data", (data: Buffer) => {
      messages += data.toString();
      for (const line of messages.split("\n").slice(0, -1)) {
        const { event, port } = JSON.parse(line);
        if (event === "listen") resolve(port);
      }
    });
    child.on("error", reject);
    child.on("exit", (code) => reject(new Error(`workerd ended with ${code}`)));
  });
}

/** Time on a processor of the first thread, which runs the Worker; other threads compile and collect. */
function threadCpuMs({ pid }: ChildProcess): number {
  const [nanoseconds] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "utf8").split(" ");
  return Number(nanoseconds) / 1e6;
}
