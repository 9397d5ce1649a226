// Taint of sessions in memory.
import { LIMIT_SESSION_ANCESTORS } from "./limits.ts";
import { compareText } from "./order.ts";
import { assertArgument, isHash, isMask } from "./shapes.ts";
import type { SessionOperations } from "./types.ts";

interface Session {
  own: number;
  parent: string | null;
  childCount: number;
}

export function memorySessions(): SessionOperations {
  const sessions = new Map<string, Session>();
  const session = (hash: string): Session => {
    const known = sessions.get(hash);
    if (known !== undefined) return known;
    const created: Session = { own: 0, parent: null, childCount: 0 };
    sessions.set(hash, created);
    return created;
  };
  /** The session and all above it; INVARIANT: `linkSession` makes no cycle, so this ends. */
  const lineage = (hash: string): Session[] => {
    const found: Session[] = [];
    for (let at = sessions.get(hash); at !== undefined; ) {
      found.push(at);
      at = at.parent === null ? undefined : sessions.get(at.parent);
    }
    return found;
  };
  // WHY: `|` gives an i32; a mask is a u32
  const taintOf = (hash: string): number =>
    lineage(hash).reduce((mask, { own }) => (mask | own) >>> 0, 0);
  return {
    getTaint: (hash) => {
      assertSession(hash);
      return taintOf(hash);
    },
    addTaint: (hash, mask) => {
      assertSession(hash);
      assertArgument("a mask of 32 bits", isMask, mask);
      if (mask !== 0) session(hash).own = (session(hash).own | mask) >>> 0;
      return taintOf(hash);
    },
    linkSession: (child, parent) => {
      assertSession(child);
      assertSession(parent);
      const known = sessions.get(child);
      if (known?.parent === parent) return true;
      if (child === parent || (known?.parent ?? null) !== null) return false;
      if ((known?.childCount ?? 0) > 0) return false;
      if (Math.max(lineage(parent).length, 1) > LIMIT_SESSION_ANCESTORS) return false;
      session(child).parent = parent;
      session(parent).childCount += 1;
      return true;
    },
    listSessions: () =>
      [...sessions]
        .map(([sessionHash, { own, parent }]) =>
          Object.freeze({ sessionHash, own, taint: taintOf(sessionHash), parent }),
        )
        .sort((a, b) => compareText(a.sessionHash, b.sessionHash)),
    resetSession: (hash) => {
      assertSession(hash);
      const known = sessions.get(hash);
      if (known === undefined) return false;
      known.own = 0;
      if (known.parent === null && known.childCount === 0) sessions.delete(hash);
      return true;
    },
  };
}

function assertSession(hash: string): void {
  assertArgument("a session hash of 64 lower-case hex digits", isHash, hash);
}
