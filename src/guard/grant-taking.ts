// What an allow rests on is taken, once, whoever else asks (40-gateway section 5).
import type { Prepared, Taken, Tried } from "./engine-prepared.ts";
import type { EngineDecision } from "./engine-types.ts";

/** A session that nobody can be asked about carries every label. */
export const TAINT_ALL = -1;

/**
 * Takes what an allow rests on: the approval, the invocation, the labels.
 *
 * @returns false when somebody else was faster, or the session carries labels that it did not
 *   carry when this was decided: then it is decided again with what was taken so far
 */
export function takeGrants(
  prepared: Prepared,
  tried: Tried,
  answer: EngineDecision,
  taken: Taken,
): boolean {
  const { consent, lease } = tried;
  const { grants, caller, target } = prepared;
  if (consent !== undefined && taken.consent === undefined) {
    if (!grants.takeConsent(consent.id)) {
      taken.usedUp ??= new Set();
      taken.usedUp.add(consent.id);
      return false;
    }
    taken.consent = consent;
  }
  if (answer.lease !== undefined && lease !== undefined && taken.lease === undefined) {
    if (!grants.takeLease(lease)) return false;
    taken.lease = lease;
  }
  const added = answer.taintAdded;
  // WHY: a store that could not be asked is to have the labels when it can be asked again
  const isThere = (added & ~tried.taint) === 0 && tried.taint !== TAINT_ALL;
  if (caller === undefined || added === 0 || isThere) return true;
  const after = grants.addTaint(caller.sessions, added);
  const isNew = (after & ~(tried.taint | added)) !== 0;
  return !isNew || target === undefined || target.item.stopsTaint.length === 0;
}
