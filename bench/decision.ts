// P13: the first decision of a fresh process and of a fresh Worker, from the signed files.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeCatalog, NOW_MS, TOOLS_PER_SERVER } from "./catalogs.js";
import type { Finding } from "./finding.js";
import { median } from "./measure.js";
import { lackOfWorker, workerCpuMs } from "./worker-cpu.js";

const PROCESS: string = fileURLToPath(new URL("./decision-process.js", import.meta.url));
const SAMPLE_COUNT = 15;
const WORKER_WHAT = "first decision in a fresh Worker, CPU beyond that of an empty one";

/** What a first decision is made of: one server with 20 tools, signed by one operator. */
export interface DecisionFiles {
  readonly root: string;
  readonly rootPin: string;
  readonly envelope: string;
  readonly nowMs: number;
  readonly server: string;
  readonly tool: string;
  /** The server's tools/list result. */
  readonly listing: string;
}

function makeFiles(): DecisionFiles {
  const one = { keyCount: 1, signerCount: 1 };
  const made = makeCatalog(TOOLS_PER_SERVER, TOOLS_PER_SERVER, one);
  const { server = "", tool = "" } = made.tools[0] ?? {};
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return {
    root: text(made.root),
    rootPin: made.rootPin,
    envelope: text(made.envelope),
    nowMs: NOW_MS,
    server,
    tool,
    listing: made.manifests.get(server) ?? "",
  };
}

function inProcess(files: DecisionFiles): Finding {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-bench-"));
  try {
    const file = join(folder, "files.json");
    writeFileSync(file, JSON.stringify(files));
    const scores = Array.from({ length: SAMPLE_COUNT }, () =>
      Number(execFileSync(process.execPath, [PROCESS, file], { encoding: "utf8" })),
    );
    return {
      key: "P13/decision",
      what: "first decision in a fresh process, after import",
      unit: "ms",
      values: { portcullis: median(scores) },
      scores,
      scoreUnit: "ms",
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function inWorker(files: DecisionFiles): Promise<Finding> {
  const about = { key: "P13/worker", what: WORKER_WHAT, unit: "ms", scoreUnit: "ms" } as const;
  const skipped = lackOfWorker();
  if (skipped !== undefined) return { ...about, values: {}, scores: [], skipped };
  const { decision, empty } = await workerCpuMs(files, SAMPLE_COUNT);
  const baseline = median(empty);
  return {
    ...about,
    values: { portcullis: median(decision), "an empty Worker": baseline },
    scores: decision.map((ms) => ms - baseline),
  };
}

/** P13: what comes after the start of the kernel. */
export async function measureDecision(): Promise<Finding[]> {
  const files = makeFiles();
  return [inProcess(files), await inWorker(files)];
}
