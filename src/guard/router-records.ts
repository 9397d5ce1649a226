// The records of one guarded router.
import type { AuditSink } from "../audit/event.ts";
import { utf8 } from "../bytes.ts";
import type { Clock } from "../clock.ts";
import type { Decision } from "../verdict.ts";
import type { RequestIdentity } from "./identity.ts";
import type { RouterCall } from "./router-call.ts";

/** Who calls, and when. */
export interface RouterCaller {
  readonly identity: RequestIdentity;
  readonly clock: Clock;
}

export class RouterRecords {
  readonly #sink: AuditSink | undefined;
  readonly #caller: RouterCaller;

  constructor(sink: AuditSink | undefined, caller: RouterCaller) {
    this.#sink = sink;
    this.#caller = caller;
  }

  /**
   * Writes one decision; true where there is no sink.
   *
   * @param call `undefined` for parameters that are no call
   */
  keep({ outcome, reason, code, layer }: Decision, call: RouterCall | undefined): boolean {
    if (this.#sink === undefined) return true;
    const { identity, clock } = this.#caller;
    return this.#sink.append({
      kind: "call",
      timeMs: clock(),
      sessionHash: identity.sessionHash,
      principalHash: identity.principalHash,
      server: call?.server ?? "",
      ...(call !== undefined && { tool: call.tool }),
      ...(call?.args !== undefined && { args: utf8(JSON.stringify(call.args)) }),
      ...{ era: "none", decision: outcome, reason, code, layer, taint: 0 },
    });
  }
}
