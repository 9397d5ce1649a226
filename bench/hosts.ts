// The check of P1 in every host that the package runs in, against Node 20: packed, installed, asked from
// outside, so that one clock measures them all.
import { cpSync, rmSync, writeFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { makeCatalog, NOW_MS, type PlainTool, TOOLS_PER_SERVER } from "./catalogs.js";
import { callsWithVerdicts, pickCalls } from "./check-calls.js";
import type { Finding } from "./finding.js";
import { expectedVerdict } from "./map-guard.js";
import { median, ROUND_COUNT } from "./measure.js";

const TOOL_COUNT = 200;
const BATCH_COUNT = 16;
/** Passes over all batches in one turn of a host: some 200 000 checks, 20 ms and more. */
const PASS_COUNT = 6;
const WARM_UP_TURNS = 5;
const RUN_COUNT = 3;
const REFERENCE = "node20";
const ENTRIES: string = fileURLToPath(new URL("../../bench/hosts", import.meta.url));
const PORTABLE: string = new URL("../../test/portable/", import.meta.url).href;

interface OpenHost {
  readonly version: string;
  readonly ask: (line: string) => Promise<number>;
  readonly close: () => Promise<void>;
}

interface Host {
  readonly key: string;
  readonly name: string;
  /** Why it cannot run here. */
  readonly lack: () => string | undefined;
  readonly open: (folder: string) => Promise<OpenHost>;
}

/** What test/portable lends; it is plain JavaScript. */
interface Portable {
  readonly OPEN_HOSTS: readonly Host[];
  readonly installPackage: (fill: (folder: string) => Promise<void>) => Promise<string>;
  readonly NotInstallable: new () => Error;
}

/** What a host has to answer to one pass over all batches. */
interface Expected {
  readonly verdictSum: number;
  readonly callCount: number;
}

async function loadPortable(): Promise<Portable> {
  const [hosts, consumer]: [object, object] = await Promise.all([
    import(`${PORTABLE}open-hosts.js`),
    import(`${PORTABLE}consumer.js`),
  ]);
  return { ...hosts, ...consumer } as Portable;
}

/** Writes what the hosts read; gives what they have to answer. */
function writeVectors(folder: string): Expected {
  const catalog = makeCatalog(TOOL_COUNT, TOOLS_PER_SERVER);
  const { tools, root, rootPin, envelope, manifests } = catalog;
  const batches = Array.from({ length: BATCH_COUNT }, (_, batch) => pickCalls(tools, batch));
  const text = new TextDecoder();
  const vectors = {
    root: text.decode(root),
    envelope: text.decode(envelope),
    ...{ rootPin, nowMs: NOW_MS, manifests: [...manifests], batches },
    answers: callsWithVerdicts(tools).map(({ verdict, ...call }) => ({ ...call, code: verdict })),
  };
  writeFileSync(`${folder}/vectors.json`, JSON.stringify(vectors));
  const verdicts = new Map(tools.map((tool) => [nameOf(tool), expectedVerdict(tool)]));
  const calls = batches.flatMap((batch): PlainTool[] => JSON.parse(batch));
  const verdictSum = calls.reduce((sum, call) => sum + (verdicts.get(nameOf(call)) ?? 0), 0);
  return { verdictSum, callCount: calls.length };
}

function nameOf({ server, tool }: Pick<PlainTool, "server" | "tool">): string {
  return `${server}/${tool}`;
}

/** ms of one turn, seen from outside; a wrong sum ends the benchmark. */
async function turn(host: OpenHost, kind: "check" | "parse", expected: Expected): Promise<number> {
  const begin = performance.now();
  const sum = await host.ask(`${kind} ${PASS_COUNT}`);
  const ms = performance.now() - begin;
  const one = kind === "check" ? expected.verdictSum : expected.callCount;
  if (sum !== one * PASS_COUNT) {
    throw new Error(`expected ${one * PASS_COUNT} from ${host.version}, got ${sum}`);
  }
  return ms;
}

/**
 * ns of one check, less the parsing. WHY: a Worker's clock stands still while it computes, so nobody can
 * stop it between the two; every host is measured in the one way that all of them allow.
 */
async function timeCheck(host: OpenHost, expected: Expected): Promise<number> {
  const parseMs = await turn(host, "parse", expected);
  const bothMs = await turn(host, "check", expected);
  return ((bothMs - parseMs) * 1e6) / (expected.callCount * PASS_COUNT);
}

/** One run: every host anew, in turns; key -> ns of each round. */
async function runAll(
  hosts: readonly Host[],
  folder: string,
  expected: Expected,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const open: [string, OpenHost][] = [];
  try {
    for (const { key, open: start } of hosts) open.push([key, await start(folder)]);
    for (const [, host] of open) {
      for (let n = 0; n < WARM_UP_TURNS; n++) await timeCheck(host, expected);
    }
    const rounds = new Map<string, number[]>(open.map(([key]) => [key, []]));
    for (let round = 0; round < ROUND_COUNT; round++) {
      for (let at = 0; at < open.length; at++) {
        const [key, host] = open[(round + at) % open.length] ?? [];
        if (key === undefined || host === undefined) continue;
        rounds.get(key)?.push(await timeCheck(host, expected));
      }
    }
    return rounds;
  } finally {
    for (const [, host] of open) await host.close();
  }
}

function findingOf({ key, name }: Host, more: Partial<Finding>): Finding {
  const what = `check, ${TOOL_COUNT} tools, installed in ${name}`;
  return {
    ...{ key: `P1/host/${key}`, what, unit: "ns", values: {}, scores: [], scoreUnit: "x" },
    ...more,
  };
}

/** Ratio to Node 20 of each run; for Node 20 itself the time. */
function judge(host: Host, runs: readonly ReadonlyMap<string, readonly number[]>[]): Finding {
  const of = (key: string): number[][] => runs.map((run) => [...(run.get(key) ?? [])]);
  const own = of(host.key);
  const reference = of(REFERENCE);
  const values = { [host.name]: median(own.flat()) };
  if (host.key === REFERENCE) {
    return findingOf(host, { values, scores: own.map(median), scoreUnit: "ns" });
  }
  const scores = own.map((times, run) =>
    median(times.map((time, round) => time / (reference[run]?.[round] ?? Number.NaN))),
  );
  return findingOf(host, { values: { ...values, "Node 20": median(reference.flat()) }, scores });
}

function lackOf({ key, lack }: Host): string | undefined {
  // WHY: the reference is the Node that runs this
  const isReference = process.versions.node.startsWith("20.");
  if (!isReference) return "no Node 20 to compare with: run the benchmark with it";
  return key === REFERENCE ? undefined : lack();
}

/** The rows `P1/host/...`; a host that is not installed is one that says so. */
export async function measureHosts(): Promise<Finding[]> {
  const { OPEN_HOSTS, installPackage, NotInstallable } = await loadPortable();
  const present = OPEN_HOSTS.filter((host) => lackOf(host) === undefined);
  let expected: Expected = { verdictSum: 0, callCount: 0 };
  let folder = "";
  try {
    folder = await installPackage(async (made) => {
      cpSync(ENTRIES, made, { recursive: true });
      expected = writeVectors(made);
    });
    const runs: ReadonlyMap<string, readonly number[]>[] = [];
    for (let run = 0; run < RUN_COUNT && present.length > 0; run++) {
      runs.push(await runAll(present, folder, expected));
    }
    return OPEN_HOSTS.map((host) => {
      const skipped = lackOf(host);
      return skipped === undefined ? judge(host, runs) : findingOf(host, { skipped });
    });
  } catch (error) {
    if (!(error instanceof NotInstallable)) throw error;
    return OPEN_HOSTS.map((host) => findingOf(host, { skipped: error.message }));
  } finally {
    if (folder !== "") rmSync(folder, { recursive: true, force: true });
  }
}
