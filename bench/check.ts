// P1, P1b: one check by names, against a JavaScript Map.
import { type BoundServer, ScopeGuard, type ScopeSet } from "portcullis";
import {
  admitAll,
  makeCatalog,
  NOW_MS,
  openCatalog,
  type PlainTool,
  TOOLS_PER_SERVER,
} from "./catalogs.js";
import { type Call, callsWithVerdicts, pickCalls, REQUEST_COUNT } from "./check-calls.js";
import type { Finding } from "./finding.js";
import { checkTool, MASK_READ, MapGuard } from "./map-guard.js";
import { type Contender, measureRounds, medians, ratioOf } from "./measure.js";

const OPTIONS = { operationCount: REQUEST_COUNT, batchCount: 12, warmUpCount: 150 };
/** A message limit keeps each guard's memory small; nothing here reads messages. */
const MESSAGE_SIZE_MAX = 65_536;

const NO_CALL: Call = { server: "", tool: "" };

/**
 * WHY: an indexed loop. `for ... of` closes its iterator in a hidden try block, and V8 does not
 * inline calls into WebAssembly inside one: 4 ns a call that are the loop's, not the check's.
 */
function callAt(calls: readonly Call[], index: number): Call {
  return calls[index] ?? NO_CALL;
}

export interface Bench {
  readonly tools: readonly PlainTool[];
  readonly guard: ScopeGuard;
  readonly reads: ScopeSet;
  readonly map: MapGuard;
}

export async function makeBench(toolCount: number, toolsPerServer: number): Promise<Bench> {
  const catalog = makeCatalog(toolCount, toolsPerServer);
  const trusted = await openCatalog(catalog);
  const options = { clock: () => NOW_MS, messageSizeMax: MESSAGE_SIZE_MAX };
  const guard = ScopeGuard.fromCatalog(trusted, options);
  admitAll(guard, trusted, catalog);
  return provenBench(guard, catalog.tools);
}

/** A guard beside the Map, after every tool was asked for. */
export function provenBench(guard: ScopeGuard, tools: readonly PlainTool[]): Bench {
  const bench = { tools, guard, reads: guard.scopes(["fs.read"]), map: new MapGuard(tools) };
  assertTruth(bench);
  return bench;
}

/** Every tool, and calls that must be refused, before anything is timed. */
function assertTruth({ tools, guard, reads, map }: Bench): void {
  for (const { verdict, ...call } of callsWithVerdicts(tools)) {
    const handle = guard.resolve(call.server, call.tool);
    const answers = [
      guard.check({ server: call.server, tool: call.tool, scopes: reads }).code,
      guard.server(call.server).check(call.tool, reads).code,
      map.check(call.server, call.tool, MASK_READ),
      handle === undefined ? verdict : guard.checkHandle(handle, reads).code,
    ];
    if (answers.some((answer) => answer !== verdict)) {
      throw new Error(`expected ${verdict} for ${JSON.stringify(call)}, got ${answers.join()}`);
    }
  }
}

/** Fresh strings: each contender parses the batch's text for itself. */
function freshCalls(tools: readonly PlainTool[]): (batch: number) => readonly Call[] {
  let text = "";
  let textBatch = -1;
  return (batch) => {
    if (batch !== textBatch) text = pickCalls(tools, batch);
    textBatch = batch;
    const calls: readonly Call[] = JSON.parse(text);
    return calls;
  };
}

/** P1: `check({ server, tool, scopes })`. */
export async function measureCheck(toolCount: number): Promise<Finding[]> {
  const { tools, guard, reads, map } = await makeBench(toolCount, TOOLS_PER_SERVER);
  const prepare = freshCalls(tools);
  const guarded: Contender<readonly Call[]> = {
    name: "portcullis",
    prepare,
    run: (calls) => {
      let sum = 0;
      for (let index = 0; index < calls.length; index++) {
        const { server, tool } = callAt(calls, index);
        sum += guard.check({ server, tool, scopes: reads }).code;
      }
      return sum;
    },
  };
  const mapped: Contender<readonly Call[]> = {
    name: "nested Map",
    prepare,
    run: (calls) => {
      let sum = 0;
      for (let index = 0; index < calls.length; index++) {
        const { server, tool } = callAt(calls, index);
        sum += map.check(server, tool, MASK_READ);
      }
      return sum;
    },
  };
  const rounds = measureRounds([guarded, mapped], OPTIONS);
  return [
    {
      key: `P1/${toolCount}`,
      what: `check, ${toolCount} tools`,
      unit: "ns",
      values: medians(rounds),
      scores: [ratioOf(rounds, "portcullis", "nested Map")],
      scoreUnit: "x",
    },
  ];
}

/** P1b: the same bound to one server, which has all the tools. */
export async function measureBound(toolCount: number): Promise<Finding[]> {
  const { tools, guard, reads, map } = await makeBench(toolCount, toolCount);
  const id = tools[0]?.server ?? "";
  const prepare = freshCalls(tools);
  const bound: BoundServer = guard.server(id);
  const masks = map.servers.get(id) ?? new Map<string, number>();
  const guarded: Contender<readonly Call[]> = {
    name: "portcullis",
    prepare,
    run: (calls) => {
      let sum = 0;
      for (let index = 0; index < calls.length; index++) {
        sum += bound.check(callAt(calls, index).tool, reads).code;
      }
      return sum;
    },
  };
  const mapped: Contender<readonly Call[]> = {
    name: "Map",
    prepare,
    run: (calls) => {
      let sum = 0;
      for (let index = 0; index < calls.length; index++) {
        sum += checkTool(masks, callAt(calls, index).tool, MASK_READ);
      }
      return sum;
    },
  };
  const rounds = measureRounds([guarded, mapped], OPTIONS);
  return [
    {
      key: `P1b/${toolCount}`,
      what: `check bound to a server, ${toolCount} tools`,
      unit: "ns",
      values: medians(rounds),
      scores: [ratioOf(rounds, "portcullis", "Map")],
      scoreUnit: "x",
    },
  ];
}
