// Hosts that stay open and are asked line by line, for what is measured in them: `process.js`, `worker.js`
// and `browser.js` of the consumer's folder.
import { openChromium } from "./host-chromium.js";
import { openProcess, versionOf } from "./host-process.js";
import { openWorker } from "./host-workerd.js";
import { BUN, DENO, WORKERD } from "./hosts.js";
import { lackOf, pathOf } from "./runtimes.js";

/** A process; `runtime` is undefined for the Node that runs this. */
function processHost(key, name, runtime, switches = []) {
  return {
    key,
    name,
    lack: () => (runtime === undefined ? undefined : lackOf([runtime])),
    open: async (folder) => {
      const program = runtime === undefined ? process.execPath : pathOf(runtime);
      const host = openProcess(program, [...switches, "process.js"], folder);
      return { version: versionOf(program), ...host };
    },
  };
}

const workerd = {
  key: "workerd",
  name: "workerd",
  lack: () => lackOf(["workerd"]),
  open: async (folder) => {
    const program = pathOf("workerd");
    const worker = { program, folder, entry: "worker", conditions: WORKERD };
    const { ask, close } = await openWorker(worker);
    return {
      version: versionOf(program),
      ask: (line) => ask(`/${line.replace(" ", "/")}`),
      close,
    };
  },
};

const chromium = {
  key: "chromium",
  name: "Chromium",
  lack: () => lackOf(["chromium"]),
  open: async (folder) => {
    const browser = await openChromium({ program: pathOf("chromium"), folder });
    const page = await browser.open("native.html");
    return {
      version: browser.version,
      ask: (line) => page.evaluate(`globalThis.ask(${JSON.stringify(line)})`),
      close: browser.close,
    };
  },
};

/**
 * Every host, in order. `lack()` says why one cannot run here; `open(folder)` gives its version, `ask(line)`
 * and `close()`.
 */
export const OPEN_HOSTS = [
  processHost("node20", "Node 20", undefined),
  processHost("node22", "Node 22", "node22"),
  processHost("node24", "Node 24", "node24"),
  processHost("deno", "Deno", "deno", DENO),
  processHost("bun", "Bun", "bun", BUN),
  workerd,
  chromium,
];
