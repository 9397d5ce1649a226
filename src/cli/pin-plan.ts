// What a pin of one server would write, and the fingerprint that names it.
import { applyPins, pinnedFingerprint } from "../catalog/edit.ts";
import type { LiveServer } from "./live-server.ts";
import { type PinPlan, planPins } from "./pin-changes.ts";
import { newServerPins, type PinTarget } from "./pin-targets.ts";

/** One server's pins, applied to the text of a catalog. */
export interface AppliedPlan {
  readonly plan: PinPlan;
  /** The catalog with them. */
  readonly text: string;
  /** `sha256:<hex>` of the server as it is then pinned: what `--expect` names. */
  readonly fingerprint: string;
}

/** @throws {GuardError} as `applyPins`. */
export function applyPlan(
  text: string,
  target: PinTarget,
  live: LiveServer,
  prunes: boolean,
): AppliedPlan {
  const { id, server } = target;
  const plan = planPins(live, { server, prunes });
  const pins = { ...plan.pins, ...newServerPins(target, plan.proposedScopes) };
  const edited = applyPins(text, id, pins);
  return { plan, text: edited, fingerprint: pinnedFingerprint(edited, id) };
}
