// What a JavaScript program would do without a guard: a nested Map and a mask.
import {
  VERDICT_ALLOWED,
  VERDICT_SCOPE_ESCALATION,
  VERDICT_TOOL_SMUGGLE,
  VERDICT_UNKNOWN_SERVER,
} from "../esm/abi/verdict.js";
import type { PlainTool } from "./catalogs.js";

export const MASK_READ = 1;
export const MASK_WRITE = 2;

/**
 * The plainest lookup that tells the reasons apart. It knows neither expiry nor admission, which
 * the guard checks as well: what it leaves out is to its advantage.
 */
export class MapGuard {
  readonly servers = new Map<string, Map<string, number>>();

  constructor(tools: readonly PlainTool[]) {
    for (const { server, tool, isReadable } of tools) {
      let masks = this.servers.get(server);
      if (masks === undefined) {
        masks = new Map();
        this.servers.set(server, masks);
      }
      masks.set(tool, isReadable ? MASK_READ : MASK_WRITE);
    }
  }

  /** @returns a VERDICT_* */
  check(server: string, tool: string, wanted: number): number {
    const masks = this.servers.get(server);
    return masks === undefined ? VERDICT_UNKNOWN_SERVER : checkTool(masks, tool, wanted);
  }
}

/** The same for one server. @returns a VERDICT_* */
export function checkTool(
  masks: ReadonlyMap<string, number>,
  tool: string,
  wanted: number,
): number {
  const granted = masks.get(tool);
  if (granted === undefined) return VERDICT_TOOL_SMUGGLE;
  return (wanted & ~granted) === 0 ? VERDICT_ALLOWED : VERDICT_SCOPE_ESCALATION;
}

/** The right answer, from the data alone. */
export function expectedVerdict(tool: PlainTool): number {
  return tool.isReadable ? VERDICT_ALLOWED : VERDICT_SCOPE_ESCALATION;
}
