// What a guard in a program writes when its host names no audit log: the newest events, in memory.
import type { AuditEvent, AuditSink } from "./event.ts";
import { RECENT_EVENTS } from "./limits.ts";

/**
 * Keeps the newest events, 1 024 of them, and forgets older ones.
 *
 * It is a look back and no evidence: nothing signs it, and it ends with the process. It never fills
 * up, so it never refuses a call. A host that has to answer for its agents names a `FileAuditLog`, a
 * `MemoryAuditLog` or a `CallbackAuditLog`.
 */
export class RecentAuditLog implements AuditSink {
  #events: AuditEvent[] = [];
  #next = 0;
  #isClosed = false;

  get isAvailable(): boolean {
    return !this.#isClosed;
  }

  /** Arguments are not kept. */
  append(event: AuditEvent): boolean {
    if (this.#isClosed) return false;
    this.#events[this.#next] = event.args === undefined ? event : { ...event, args: undefined };
    this.#next = (this.#next + 1) % RECENT_EVENTS;
    return true;
  }

  flush(): void {
    // there is nothing to sign
  }

  close(): void {
    this.#isClosed = true;
  }

  /** A copy of what is kept, oldest first. */
  events(): readonly AuditEvent[] {
    return [...this.#events.slice(this.#next), ...this.#events.slice(0, this.#next)];
  }
}
