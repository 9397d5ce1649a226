// workerd: a Worker as a bundler makes one, served on a free port and asked once.
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const KERNEL = "node_modules/portcullis/build/kernel/kernel.wasm";
const COMPATIBILITY_DATE = "2026-07-01";

/** What a Worker's bundler does with an imported .wasm file: it stays an import of a module. */
const compiledModules = {
  name: "compiled-modules",
  setup({ onResolve }) {
    onResolve({ filter: /\.wasm(\?module)?$/ }, () => ({ path: "./kernel.wasm", external: true }));
  },
};

/** The Worker as a configuration of workerd; `conditions` are those of its bundler. */
async function makeWorker(folder, entry, conditions) {
  const out = join(folder, `workerd-${entry}`);
  mkdirSync(out, { recursive: true });
  await build({
    entryPoints: [join(folder, `${entry}.js`)],
    outfile: join(out, "main.js"),
    bundle: true,
    format: "esm",
    target: "es2022",
    conditions,
    plugins: [compiledModules],
    logLevel: "warning",
  });
  cpSync(join(folder, KERNEL), join(out, "kernel.wasm"));
  const config = join(out, "config.capnp");
  writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker)],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [
    (name = "main.js", esModule = embed "main.js"),
    (name = "kernel.wasm", wasm = embed "kernel.wasm"),
  ],
  compatibilityDate = "${COMPATIBILITY_DATE}",
);
`,
  );
  return config;
}

/** The port that workerd listens on, from its control messages. */
function portOf(child) {
  return new Promise((resolve, reject) => {
    let errors = "";
    let messages = "";
    child.stderr.on("data", (data) => {
      errors += data;
    });
    child.stdio[3].on("data", (data) => {
      messages += data;
      for (const line of messages.split("\n").slice(0, -1)) {
        const { event, port } = JSON.parse(line);
        if (event === "listen") resolve(port);
      }
    });
    child.on("error", reject);
    child.on("exit", (code) =>
      reject(new Error(`workerd ended with ${code}: ${errors.slice(-2000)}`)),
    );
  });
}

/**
 * Serves a Worker.
 *
 * @returns `ask(path)` gives what it answers, as JSON; `close` ends it
 */
export async function openWorker({ program, folder, entry, conditions }) {
  const config = await makeWorker(folder, entry, conditions);
  const child = spawn(program, ["serve", config, "--control-fd=3"], {
    stdio: ["ignore", "ignore", "pipe", "pipe"],
  });
  const close = async () => child.kill("SIGKILL");
  try {
    const port = await portOf(child);
    return { ask: (path) => askPath(port, path), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function askPath(port, path) {
  const signal = AbortSignal.timeout(60_000);
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal });
  if (!response.ok) throw new Error(`status ${response.status}: ${await response.text()}`);
  return await response.json();
}

/**
 * Serves a Worker and asks it for each of `paths`.
 *
 * @returns the answers, as JSON
 */
export async function askWorker({ paths, ...worker }) {
  const { ask, close } = await openWorker(worker);
  try {
    const answers = [];
    for (const path of paths) answers.push(await ask(path));
    return answers;
  } finally {
    await close();
  }
}
