// The hosts of the portable suite: what each needs, and how it is asked.
import { join } from "node:path";
import { openChromium } from "./host-chromium.js";
import { runJson, versionOf } from "./host-process.js";
import { askWorker } from "./host-workerd.js";
import { lackOf, pathOf } from "./runtimes.js";

export const DENO = ["run", "--no-prompt", "--no-remote", "--cached-only", "--no-lock"];
export const BUN = ["--no-install"];
/** Import conditions of a Worker's bundler. */
export const WORKERD = ["workerd", "worker", "browser"];
const DENO_NAME = "Deno 2, zero permissions";

/** One process; its report is what it prints. */
function processHost(name, program, switches = []) {
  return {
    name,
    needs: program === "node" ? [] : [program],
    run: ({ folder }) => {
      const path = program === "node" ? process.execPath : pathOf(program);
      const report = runJson(path, [...switches, "process.js"], folder);
      return { version: versionOf(path), report };
    },
  };
}

function workerHost(name, entry, conditions, paths, judge = ([report]) => ({ report })) {
  return {
    name,
    needs: ["workerd"],
    run: async ({ folder }) => {
      const program = pathOf("workerd");
      const answers = await askWorker({ program, folder, entry, conditions, paths });
      return { version: versionOf(program), ...judge(answers) };
    },
  };
}

/** One browser for all pages of a run. */
function browserOf(world) {
  world.browser ??= openChromium({
    program: pathOf("chromium"),
    vitePath: pathOf("vite"),
    folder: world.folder,
  });
  return world.browser;
}

function pageHost(name, path, others = []) {
  return {
    name,
    needs: ["chromium", ...others],
    run: async (world) => {
      const { version, ask } = await browserOf(world);
      return { version, report: await ask(path) };
    },
  };
}

/** @throws {Error} unless `answer` is a refusal that names the remedy */
function assertRemedy(answer, remedy) {
  if (answer.code === "KERNEL_LOAD" && answer.message.includes(remedy)) return;
  throw new Error(`expected KERNEL_LOAD with ${remedy}, got ${JSON.stringify(answer)}`);
}

/**
 * Every host, in order. `run` gives the host's version and its report; without a report the host was
 * asked whether it refuses.
 */
export const HOSTS = [
  processHost("Node, this one", "node"),
  processHost("Node 22", "node22"),
  processHost("Node 24", "node24"),
  processHost(DENO_NAME, "deno", DENO),
  processHost("Bun", "bun", BUN),
  workerHost("workerd, by the import condition", "worker", WORKERD, ["/"]),
  workerHost("workerd, by prepareKernel", "worker-module", ["worker", "browser"], ["/"]),
  workerHost(
    "workerd without the module: refused, with the remedy",
    "worker-module",
    ["worker", "browser"],
    ["/without"],
    ([answer]) => {
      assertRemedy(answer, "prepareKernel with the module of portcullis/kernel.wasm");
      return {};
    },
  ),
  pageHost("Chromium, native modules", "native.html"),
  pageHost("Chromium, bundled by esbuild", "esbuild.html"),
  pageHost("Chromium, bundled by vite", "vite/index.html", ["vite"]),
  {
    name: "Chromium without wasm-unsafe-eval: refused, with the remedy",
    needs: ["chromium"],
    run: async (world) => {
      const { version, ask } = await browserOf(world);
      const fault = await ask("native.html?without").then(
        () => "a report",
        ({ message }) => message,
      );
      const remedy = "a page needs 'wasm-unsafe-eval' in its content security policy";
      if (fault.includes(remedy)) return { version };
      throw new Error(`expected a refusal with ${remedy}, got ${fault}`);
    },
  },
];

/** Why a host cannot run here; `undefined` when it can. */
export function reasonToSkip({ needs }) {
  return lackOf(needs);
}

/** Times of a fresh process of each Node from the end of the import to the first decision, in ms. */
export function firstDecisions(folder, rounds) {
  const programs = [process.execPath, pathOf("node22"), pathOf("node24")];
  return programs.filter(Boolean).map((program) => {
    const times = Array.from({ length: rounds }, () => {
      const { ms } = runJson(program, [join(folder, "first-decision.js")], folder);
      return ms;
    });
    const sorted = times.toSorted((a, b) => a - b);
    const [median, fastest] = [sorted[rounds >> 1], sorted[0]].map((ms) => ms.toFixed(1));
    return { version: versionOf(program), median, fastest };
  });
}
