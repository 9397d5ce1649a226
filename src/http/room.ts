// How much room a guard has for sessions, connections and children, and who may have of it: one caller must
// not take the room of all others.
import { GuardError } from "../errors.ts";
import type { Caller } from "./auth-types.ts";
import { isSameCaller } from "./caller.ts";
import type { Connection } from "./connection.ts";
import {
  CALLER_SHARE,
  CHILDREN_DEFAULT,
  LIMIT_CHILDREN,
  LIMIT_HTTP_SESSIONS,
  LIMIT_IDLE_LANES,
  LIMIT_LANES,
} from "./limits.ts";
import type { GuardHandlerOptions } from "./options.ts";

/** A connection, and whose it is. */
export interface Held {
  readonly connection: Connection;
  readonly serverId: string;
  readonly caller: Caller;
  usedMs: number;
}

export class Room {
  readonly #sessionsMax: number;
  readonly #lanesMax: number;
  readonly #childrenMax: number;

  /** @throws {GuardError} CONFIG_INVALID for a limit that is none */
  constructor(options: GuardHandlerOptions) {
    this.#sessionsMax = atMost(LIMIT_HTTP_SESSIONS, "sessionsMax", options.sessionsMax);
    this.#lanesMax = atMost(LIMIT_LANES, "lanesMax", options.lanesMax);
    const { childrenMax = CHILDREN_DEFAULT } = options;
    this.#childrenMax = atMost(LIMIT_CHILDREN, "childrenMax", childrenMax);
  }

  /** @param ownCount sessions of the caller that wants one more */
  hasSession(count: number, ownCount: number): boolean {
    return count < this.#sessionsMax && ownCount < shareOf(this.#sessionsMax);
  }

  /** False where there is no room for one lane more; one that nobody uses makes room. */
  makeLane(lanes: readonly Held[], caller: Caller): boolean {
    const own = lanes.filter((lane) => isSameCaller(lane.caller, caller));
    if (own.length >= shareOf(this.#lanesMax)) return dropOldest(own, 1);
    if (lanes.length < Math.min(LIMIT_IDLE_LANES, this.#lanesMax)) return true;
    return dropOldest(lanes, 1) || lanes.length < this.#lanesMax;
  }

  /**
   * False where there is no room for one child more. Of those that nobody uses the one unused for longest makes
   * room.
   *
   * WHY: a client that is closed does not say that its session is over, and a process is dear.
   */
  makeChild(children: readonly Held[], caller: Caller): boolean {
    const own = children.filter((held) => isSameCaller(held.caller, caller));
    if (own.length >= shareOf(this.#childrenMax)) return dropOldest(own, 1);
    return children.length < this.#childrenMax || dropOldest(children, 1);
  }

  /** Ends those of the lanes that nobody uses and that are too many. */
  dropSurplus(lanes: readonly Held[]): void {
    const surplus = lanes.length - LIMIT_IDLE_LANES;
    if (surplus > 0) dropOldest(lanes, surplus);
  }
}

function shareOf(limit: number): number {
  return Math.ceil(limit / CALLER_SHARE);
}

/** Ends those that are unused for longest, so many at most; true when there was one. */
function dropOldest(connections: readonly Held[], count: number): boolean {
  const idle = connections.filter(({ connection }) => connection.isIdle);
  const oldest = idle.toSorted((a, b) => a.usedMs - b.usedMs).slice(0, count);
  for (const { connection } of oldest) connection.close("the connection was idle");
  return oldest.length > 0;
}

/** @throws {GuardError} CONFIG_INVALID */
function atMost(limit: number, name: string, value = limit): number {
  if (value >= 1 && value <= limit) return value;
  throw new GuardError("CONFIG_INVALID", `expected ${name} from 1 to ${limit}, got ${value}`);
}
