// P12: what a check costs as the catalog grows, beside everything that could be asked instead; and as the
// same number of tools stands on more servers.
import { performance } from "node:perf_hooks";
import { VERDICT_ALLOWED } from "../esm/abi/verdict.js";
import { TOOLS_PER_SERVER } from "./catalogs.js";
import { type Bench, makeBench } from "./check.js";
import { loadEngines } from "./engines.js";
import type { Finding } from "./finding.js";
import { MASK_READ } from "./map-guard.js";
import { type Contender, makeRandom, measureRounds, median, medians } from "./measure.js";
import { makeSyntheticBench } from "./synthetic.js";

const CALLS = 2_048;
const OPTIONS = { operationCount: CALLS, batchCount: 4, warmUpCount: 100 };
/** Engines that search a list are asked up to so many tools, and so many times. */
const ENGINE_TOOLS_MAX = 10_000;
const ENGINE_MS_MAX = 300;
const ENGINE_RUN = 16;

interface Call {
  readonly server: string;
  readonly tool: string;
}

/** Tools of a signed catalog, at most; beyond, the image is made without one. */
const SIGNED_TOOLS_MAX = 131_072;
/** Tools that are spread over more and more servers. */
const SPREAD_TOOLS = 10_000;

/** ns of one check with `toolCount` tools, fresh strings, tools drawn at random. */
export async function measureGrowth(toolCount: number): Promise<Finding[]> {
  const make = toolCount > SIGNED_TOOLS_MAX ? makeSyntheticBench : makeBench;
  const bench = await make(toolCount, TOOLS_PER_SERVER);
  const values = timeCheck(bench);
  if (toolCount <= ENGINE_TOOLS_MAX) {
    const calls = freshCalls(bench);
    for (const { name, allows } of await loadEngines(bench.tools)) {
      values[name] = timeEngine(calls(), ({ server, tool }) => allows(server, tool, "fs.read"));
    }
  }
  return [rowOf(`P12/tools/${toolCount}`, `${toolCount} tools, beside everything else`, values)];
}

/** The same with 10 000 tools on `serverCount` servers. */
export async function measureServers(serverCount: number): Promise<Finding[]> {
  const values = timeCheck(await makeBench(SPREAD_TOOLS, SPREAD_TOOLS / serverCount));
  const what = `${SPREAD_TOOLS} tools on ${serverCount} servers`;
  return [rowOf(`P12/servers/${serverCount}`, what, values)];
}

function rowOf(key: string, what: string, values: Record<string, number>): Finding {
  const scores = [values["portcullis"] ?? Number.NaN];
  return { key, what: `check, ${what}`, unit: "ns", values, scores, scoreUnit: "ns" };
}

/** Makes the same calls from their text, so that every string is a fresh one. */
function freshCalls({ tools }: Bench): () => readonly Call[] {
  const random = makeRandom(tools.length);
  const draw = (): Call => {
    const { server = "", tool = "" } = tools[random(tools.length)] ?? {};
    return { server, tool };
  };
  const text = JSON.stringify(Array.from({ length: CALLS }, draw));
  return () => {
    const calls: readonly Call[] = JSON.parse(text);
    return calls;
  };
}

function timeCheck(bench: Bench): Record<string, number> {
  const { guard, reads, map } = bench;
  const prepare = freshCalls(bench);
  const contender = (name: string, ask: (call: Call) => boolean): Contender<readonly Call[]> => ({
    name,
    prepare,
    run: (calls) => {
      let sum = 0;
      for (let index = 0; index < calls.length; index++) {
        const call = calls[index];
        if (call !== undefined && ask(call)) sum += 1;
      }
      return sum;
    },
  });
  const contenders = [
    contender(
      "portcullis",
      ({ server, tool }) => guard.check({ server, tool, scopes: reads }).outcome === "allow",
    ),
    contender(
      "nested Map",
      ({ server, tool }) => map.check(server, tool, MASK_READ) === VERDICT_ALLOWED,
    ),
  ];
  return medians(measureRounds(contenders, OPTIONS));
}

/** ns of an answer: the median of short runs in some time, behind a quarter of them as a warm-up. */
function timeEngine(calls: readonly Call[], ask: (call: Call) => boolean): number {
  const times: number[] = [];
  const endMs = performance.now() + ENGINE_MS_MAX;
  for (let first = 0; performance.now() < endMs; first = (first + ENGINE_RUN) % CALLS) {
    const start = performance.now();
    for (const call of calls.slice(first, first + ENGINE_RUN)) ask(call);
    times.push(((performance.now() - start) * 1e6) / ENGINE_RUN);
  }
  return median(times.slice(times.length >> 2));
}
