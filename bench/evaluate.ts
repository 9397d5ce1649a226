// P4: the whole decision of the gateway: every layer, the grants of a session in memory, the evidence
// reference. Without I/O; arguments that are validated have rows of their own.
import {
  createRequestIdentity,
  type EvaluateRequest,
  type GatewayDecision,
  MCPGateway,
} from "portcullis";
import { makeCatalog, NOW_MS, openCatalog, TOOLS_PER_SERVER } from "./catalogs.js";
import type { Finding } from "./finding.js";
import { type Contender, measureRounds, medians } from "./measure.js";

const TOOL_COUNT = 200;
const OPTIONS = { operationCount: 2000, batchCount: 10, warmUpCount: 100 };

const ARGUMENTS = { path: "/workspace/notes/2026-11-20.md", head: 20 };
const SCHEMA = {
  type: "object",
  properties: { path: { type: "string" }, head: { type: "integer", minimum: 1 } },
  required: ["path"],
};

async function makeRequests(
  inputSchema: object,
): Promise<{ gateway: MCPGateway; requests: EvaluateRequest[] }> {
  const catalog = makeCatalog(TOOL_COUNT, TOOLS_PER_SERVER, { inputSchema });
  const gateway = new MCPGateway({ catalog: await openCatalog(catalog), clock: () => NOW_MS });
  for (const [id, manifest] of catalog.manifests) {
    const { ok, reason } = gateway.admitListing(id, manifest);
    if (!ok) throw new Error(`expected an admitted server, got ${reason} for ${id}`);
  }
  const identity = createRequestIdentity({ principal: "agent:bench", sessionId: "bench" });
  const requests = catalog.tools.map(({ server, tool }) => ({
    identity,
    serverId: server,
    tool,
    args: ARGUMENTS,
  }));
  return { gateway, requests };
}

function assertAllowed({ invocation }: GatewayDecision): void {
  if (invocation.decision !== "allow") {
    throw new Error(`expected an allowed call, got ${invocation.reason}`);
  }
}

function contender(
  name: string,
  { gateway, requests }: { gateway: MCPGateway; requests: EvaluateRequest[] },
): Contender<readonly EvaluateRequest[]> {
  for (const request of requests) assertAllowed(gateway.evaluate(request));
  const batch = Array.from({ length: OPTIONS.operationCount }, (_, index) => {
    const request = requests[(index * 7) % requests.length];
    if (request === undefined) throw new Error("expected a request");
    return request;
  });
  return {
    name,
    prepare: () => batch,
    run: (list) => {
      let sum = 0;
      for (let index = 0; index < list.length; index++) {
        const request = list[index];
        if (request === undefined) continue;
        if (gateway.evaluate(request).invocation.decision === "allow") sum += 1;
      }
      return sum;
    },
  };
}

/** `MCPGateway#evaluate`, warm. */
export async function measureEvaluate(): Promise<Finding[]> {
  const plain = contender("evaluate", await makeRequests({ type: "object" }));
  const validated = contender("with schema", await makeRequests(SCHEMA));
  const values = medians(measureRounds([plain, validated], OPTIONS));
  const us = (name: string): number => (values[name] ?? Number.NaN) / 1000;
  return [
    {
      key: "P4/evaluate",
      what: "evaluate, every layer and the evidence reference",
      unit: "us",
      values: { portcullis: us("evaluate") },
      scores: [us("evaluate")],
      scoreUnit: "us",
    },
    {
      key: "P4/schema",
      what: "the same with arguments validated against a schema",
      unit: "us",
      values: { portcullis: us("with schema") },
      scores: [us("with schema")],
      scoreUnit: "us",
    },
  ];
}
