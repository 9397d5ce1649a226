// P12: what a check costs as the catalog grows, beside everything that could be asked instead.
import { performance } from "node:perf_hooks";
import { VERDICT_ALLOWED } from "../esm/abi/verdict.js";
import { makeBench } from "./check.js";
import { TOOLS_PER_SERVER } from "./catalogs.js";
import { loadEngines } from "./engines.js";
import type { Finding } from "./finding.js";
import { MASK_READ } from "./map-guard.js";
import { type Contender, makeRandom, measureRounds, median, medians } from "./measure.js";

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

/** ns of one check with `toolCount` tools, fresh strings, tools drawn at random. */
export async function measureGrowth(toolCount: number): Promise<Finding[]> {
  const { tools, guard, reads, map } = await makeBench(toolCount, TOOLS_PER_SERVER);
  const random = makeRandom(toolCount);
  const draw = (): Call => {
    const { server = "", tool = "" } = tools[random(tools.length)] ?? {};
    return { server, tool };
  };
  const text = JSON.stringify(Array.from({ length: CALLS }, draw));
  const prepare = (): readonly Call[] => {
    const calls: readonly Call[] = JSON.parse(text);
    return calls;
  };
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
  const values = medians(measureRounds(contenders, OPTIONS));
  if (toolCount <= ENGINE_TOOLS_MAX) {
    for (const { name, allows } of await loadEngines(tools)) {
      values[name] = timeEngine(prepare(), ({ server, tool }) => allows(server, tool, "fs.read"));
    }
  }
  return [
    {
      key: `P12/tools/${toolCount}`,
      what: `check, ${toolCount} tools, beside everything else`,
      unit: "ns",
      values,
      scores: [values["portcullis"] ?? Number.NaN],
      scoreUnit: "ns",
    },
  ];
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
