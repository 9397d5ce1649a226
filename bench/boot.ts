// P11: from the signed files to a loaded guard. P13: from imported modules to a running kernel.
// Each sample is a fresh process, so nothing is compiled or cached before.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeCatalog, TOOLS_PER_SERVER } from "./catalogs.js";
import type { Finding } from "./finding.js";
import { median } from "./measure.js";

const BOOT_PROCESS: string = fileURLToPath(new URL("./boot-process.js", import.meta.url));
const START_PROCESS: string = fileURLToPath(new URL("./start-process.js", import.meta.url));
const START_SAMPLE_COUNT = 15;

/** What boot-process.ts prints. */
export interface BootTimes {
  readonly verifyMs: number;
  readonly loadMs: number;
  /** Bytes of the image that are neither names nor digests, and the admission states. */
  readonly tableSize: number;
  /** Reason of a call that is allowed, and of one that is not. */
  readonly answers: readonly string[];
}

/** What start-process.ts prints. */
export interface StartTimes {
  readonly importMs: number;
  readonly startMs: number;
}

function runProcess<T>(file: string, ...args: readonly string[]): T {
  const result: T = JSON.parse(
    execFileSync(process.execPath, [file, ...args], { encoding: "utf8" }),
  );
  return result;
}

/** P11 for a catalog of `toolCount` tools. */
export async function measureBoot(toolCount: number): Promise<Finding[]> {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-bench-"));
  try {
    const { root, rootPin, envelope, tools, manifests } = makeCatalog(toolCount, TOOLS_PER_SERVER);
    writeFileSync(join(folder, "root.dsse.json"), root);
    writeFileSync(join(folder, "catalog.dsse.json"), envelope);
    const [first] = tools;
    const server = first?.server ?? "";
    writeFileSync(join(folder, "manifest.json"), manifests.get(server) ?? "");
    const runs = Array.from({ length: toolCount > 50_000 ? 3 : 7 }, () =>
      runProcess<BootTimes>(BOOT_PROCESS, folder, rootPin, server, first?.tool ?? ""),
    );
    if (runs.some(({ answers }) => answers.join() !== "allowed,tool_smuggle")) {
      throw new Error("expected allowed and tool_smuggle from the booted guard, got other answers");
    }
    const values = {
      portcullis: median(runs.map(({ verifyMs, loadMs }) => verifyMs + loadMs)),
      "verify and compile": median(runs.map(({ verifyMs }) => verifyMs)),
      load: median(runs.map(({ loadMs }) => loadMs)),
    };
    const scores = runs.map(({ verifyMs, loadMs }) => verifyMs + loadMs);
    const perTool = (runs[0]?.tableSize ?? Number.NaN) / toolCount;
    return [
      {
        key: `P11/${toolCount}`,
        what: `boot, ${toolCount} tools, 3 of 5 signatures, ${envelope.length} B envelope`,
        unit: "ms",
        values,
        scores,
        scoreUnit: "ms",
      },
      {
        key: `P11/${toolCount}/memory`,
        what: `memory a tool beside names and digests, ${toolCount} tools`,
        unit: "B",
        values: { portcullis: perTool },
        scores: [perTool],
        scoreUnit: "B",
      },
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** P13. */
export async function measureStart(): Promise<Finding[]> {
  const runs = Array.from({ length: START_SAMPLE_COUNT }, () =>
    runProcess<StartTimes>(START_PROCESS),
  );
  return [
    {
      key: "P13/start",
      what: "kernel start in a fresh process, first text included",
      unit: "ms",
      values: {
        portcullis: median(runs.map(({ startMs }) => startMs)),
        "import of the package": median(runs.map(({ importMs }) => importMs)),
      },
      scores: runs.map(({ startMs }) => startMs),
      scoreUnit: "ms",
    },
  ];
}
