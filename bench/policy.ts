// P4 beside the policy engines: the whole decision of the gateway against one question to an engine.
import { performance } from "node:perf_hooks";
import { createRequestIdentity, MCPGateway } from "portcullis";
import { makeCatalog, NOW_MS, openCatalog, type PlainTool, TOOLS_PER_SERVER } from "./catalogs.js";
import { loadEngines, type PolicyEngine } from "./engines.js";
import type { Finding } from "./finding.js";
import { type Contender, makeRandom, measureRounds, medians, ratioOf } from "./measure.js";

/** Time that one batch of an engine should take, in ns. */
const BATCH_NS = 4_000_000;
const CALLS_MAX = 2_000;
const CALLS_MIN = 16;
const OURS = "portcullis";

type Ask = (tool: PlainTool) => boolean;

/** Ours: identity, policy, arguments, leases, consent, labels, vetting and the evidence reference. */
async function gatewayAsk(toolCount: number): Promise<{ tools: readonly PlainTool[]; ask: Ask }> {
  const catalog = makeCatalog(toolCount, TOOLS_PER_SERVER);
  const gateway = new MCPGateway({ catalog: await openCatalog(catalog), clock: () => NOW_MS });
  for (const [id, manifest] of catalog.manifests) {
    const { ok, reason } = gateway.admitListing(id, manifest);
    if (!ok) throw new Error(`expected an admitted server, got ${reason} for ${id}`);
  }
  const identity = createRequestIdentity({ principal: "agent:bench", sessionId: "bench" });
  const args = {};
  const scopes = ["fs.read"];
  const ask: Ask = ({ server, tool }) =>
    gateway.evaluate({ identity, serverId: server, tool, args, scopes }).invocation.decision ===
    "allow";
  for (const tool of catalog.tools) {
    if (ask(tool) !== tool.isReadable) throw new Error(`expected the truth of ${tool.tool}`);
  }
  return { tools: catalog.tools, ask };
}

function contender(name: string, ask: Ask, text: string): Contender<readonly PlainTool[]> {
  return {
    name,
    prepare: () => {
      const calls: readonly PlainTool[] = JSON.parse(text);
      return calls;
    },
    run: (calls) => {
      let sum = 0;
      for (const call of calls) if (ask(call)) sum += 1;
      return sum;
    },
  };
}

/** ns of one answer, roughly. */
function roughly(ask: Ask, tools: readonly PlainTool[]): number {
  const few = tools.slice(0, CALLS_MIN);
  const start = performance.now();
  for (const tool of few) ask(tool);
  return ((performance.now() - start) * 1e6) / few.length;
}

function compare({ name, allows }: PolicyEngine, ours: Ask, tools: readonly PlainTool[]): Finding {
  const ask: Ask = ({ server, tool }) => allows(server, tool, "fs.read");
  const count = Math.min(
    Math.max(Math.round(BATCH_NS / roughly(ask, tools)), CALLS_MIN),
    CALLS_MAX,
  );
  const random = makeRandom(tools.length);
  const text = JSON.stringify(Array.from({ length: count }, () => tools[random(tools.length)]));
  const rounds = measureRounds([contender(OURS, ours, text), contender(name, ask, text)], {
    operationCount: count,
    batchCount: 4,
    warmUpCount: Math.ceil(CALLS_MAX / count),
  });
  const values = Object.entries(medians(rounds)).map(([who, ns]) => [who, ns / 1000]);
  return {
    key: `P4/${tools.length}/${name}`,
    what: `evaluate, ${tools.length} tools, against ${name}`,
    unit: "us",
    values: Object.fromEntries(values),
    scores: [ratioOf(rounds, name, OURS)],
    scoreUnit: "x",
  };
}

/** One finding for every engine that is installed in bench/compare. */
export async function measurePolicy(toolCount: number): Promise<Finding[]> {
  const { tools, ask } = await gatewayAsk(toolCount);
  const engines = await loadEngines(tools);
  return engines.map((engine) => compare(engine, ask, tools));
}
