// The parts of the benchmark. Each run of each is a process of its own: one kernel instance and
// one call site a process, as in use, and no part warms up or slows down another.
import type { Finding } from "./finding.js";

export interface Unit {
  readonly name: string;
  /** `P1` ..., `hosts`: what `--only` takes. */
  readonly id: string;
  /** Processes, one after the other; units that start processes themselves run once. */
  readonly runCount: number;
  readonly measure: () => Promise<Finding[]>;
}

/** Processes for each unit whose findings are ratios of one process. */
const RUN_COUNT = 3;
const CATALOG_SIZES = [200, 5_000, 100_000];
const POLICY_SIZES = [200, 5_000];
const MESSAGE_SIZES = [96, 240, 600, 4_096, 65_536, 1_048_576, 10_485_760];
const DIGEST_SIZES = [64, 256, 1_024, 16_384, 1_048_576];
const LANE_SIZES = [64, 512, 1_536];
const BOOT_SIZES = [200, 10_000, 100_000];
const GROWTH_SIZES = [10, 100, 1_000, 10_000, 100_000, 1_000_000];
const SERVER_COUNTS = [1, 10, 100, 1_000, 10_000];
const PATTERN_COUNTS = [1, 10, 100, 1_000, 10_000];

function unit(id: string, name: string, runCount: number, measure: Unit["measure"]): Unit {
  return { id, name, runCount, measure };
}

/** All units, in the order of the table. Their modules are loaded when they run. */
export const UNITS: readonly Unit[] = [
  ...CATALOG_SIZES.map((size) =>
    unit("P1", `check-${size}`, RUN_COUNT, async () =>
      (await import("./check.js")).measureCheck(size),
    ),
  ),
  ...CATALOG_SIZES.map((size) =>
    unit("P1b", `bound-${size}`, RUN_COUNT, async () =>
      (await import("./check.js")).measureBound(size),
    ),
  ),
  unit("hosts", "hosts", 1, async () => (await import("./hosts.js")).measureHosts()),
  unit("P2", "handle", RUN_COUNT, async () => (await import("./handle.js")).measureHandle()),
  ...MESSAGE_SIZES.map((size) =>
    unit("P3", `message-${size}`, RUN_COUNT, async () =>
      (await import("./message.js")).measureMessage(size),
    ),
  ),
  unit("P4", "evaluate", RUN_COUNT, async () => (await import("./evaluate.js")).measureEvaluate()),
  ...POLICY_SIZES.map((size) =>
    unit("P4", `policy-${size}`, RUN_COUNT, async () =>
      (await import("./policy.js")).measurePolicy(size),
    ),
  ),
  ...DIGEST_SIZES.map((size) =>
    unit("P5", `sha256-${size}`, RUN_COUNT, async () =>
      (await import("./digest.js")).measureSha256(size),
    ),
  ),
  ...LANE_SIZES.map((size) =>
    unit("P6", `lanes-${size}`, RUN_COUNT, async () =>
      (await import("./lanes.js")).measureLanes(size),
    ),
  ),
  unit("P7", "fingerprint", RUN_COUNT, async () =>
    (await import("./fingerprint.js")).measureFingerprint(),
  ),
  unit("P8", "scan", RUN_COUNT, async () => (await import("./scan.js")).measureScan()),
  ...PATTERN_COUNTS.map((count) =>
    unit("P8", `patterns-${count}`, 1, async () =>
      (await import("./growth-patterns.js")).measurePatterns(count),
    ),
  ),
  unit("P9", "proxy", RUN_COUNT, async () => (await import("./proxy.js")).measureProxy()),
  unit("P10", "http", 1, async () => (await import("./http.js")).measureHttp()),
  unit("P10", "streams", 1, async () => (await import("./streams.js")).measureStreams()),
  ...BOOT_SIZES.map((size) =>
    unit("P11", `boot-${size}`, 1, async () => (await import("./boot.js")).measureBoot(size)),
  ),
  ...GROWTH_SIZES.map((size) =>
    unit("P12", `growth-${size}`, 1, async () => (await import("./growth.js")).measureGrowth(size)),
  ),
  ...SERVER_COUNTS.map((count) =>
    unit("P12", `servers-${count}`, 1, async () =>
      (await import("./growth.js")).measureServers(count),
    ),
  ),
  unit("P13", "start", 1, async () => (await import("./boot.js")).measureStart()),
  unit("P13", "decision", 1, async () => (await import("./decision.js")).measureDecision()),
  unit("P14", "audit", RUN_COUNT, async () => (await import("./audit.js")).measureAudit()),
];
