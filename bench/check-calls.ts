// Calls that P1 asks for, and the right answers to them.
import { VERDICT_TOOL_SMUGGLE, VERDICT_UNKNOWN_SERVER } from "../esm/abi/verdict.js";
import type { PlainTool } from "./catalogs.js";
import { expectedVerdict } from "./map-guard.js";
import { makeRandom } from "./measure.js";

/** Calls of one batch. */
export const REQUEST_COUNT = 2048;

export interface Call {
  readonly server: string;
  readonly tool: string;
}

/** Every tool, and calls that must be refused, with the VERDICT_* of each. */
export function callsWithVerdicts(
  tools: readonly PlainTool[],
): (Call & { readonly verdict: number })[] {
  const rows = tools.map((plain) => ({
    ...{ server: plain.server, tool: plain.tool },
    verdict: expectedVerdict(plain),
  }));
  const { server, tool } = tools[0] ?? { server: "", tool: "" };
  const other = tools.find((one) => one.server !== server)?.tool ?? `x${tool}`;
  return [
    ...rows,
    { server: `${server}x`, tool, verdict: VERDICT_UNKNOWN_SERVER },
    { server, tool: `${tool}x`, verdict: VERDICT_TOOL_SMUGGLE },
    { server, tool: other, verdict: VERDICT_TOOL_SMUGGLE },
  ];
}

/** JSON of one batch: tools drawn at random, the same for the same number. */
export function pickCalls(tools: readonly PlainTool[], batch: number): string {
  const random = makeRandom(batch + 1);
  const calls: Call[] = [];
  for (let index = 0; index < REQUEST_COUNT; index++) {
    const picked = tools[random(tools.length)];
    if (picked !== undefined) calls.push({ server: picked.server, tool: picked.tool });
  }
  return JSON.stringify(calls);
}
