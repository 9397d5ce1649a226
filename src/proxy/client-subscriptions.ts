// `subscriptions/listen`: the resources in it are dispatches, the tasks are those of this session.
import {
  VERDICT_CATALOG_EXPIRED,
  VERDICT_FEATURE_DENIED,
  VERDICT_TOOL_SMUGGLE,
} from "../abi/verdict.ts";
import { quote } from "../errors.ts";
import type { ClientMessage } from "./client-message.ts";
import { type ClientRequests, type Refusal, refusalBy } from "./client-requests.ts";
import type { SessionState } from "./session-state.ts";
import { type ListenFilter, listenFilterOf } from "./subscriptions.ts";
import { OTHER_TASK } from "./tasks.ts";

export class ClientSubscriptions {
  readonly #state: SessionState;
  readonly #requests: ClientRequests;

  constructor(state: SessionState, requests: ClientRequests) {
    this.#state = state;
    this.#requests = requests;
  }

  take(message: ClientMessage): void {
    const filter = listenFilterOf(message.line, message.shape.params);
    if (filter === undefined) {
      const detail = "expected resourceSubscriptions and taskIds to be arrays of texts";
      this.#requests.refuse(message, { decision: this.#state.malformed, detail });
      return;
    }
    const refusal = this.#refusalOfFilter(filter);
    if (refusal !== undefined) this.#requests.refuse(message, refusal);
    else if (isEmpty(filter.uris) && isEmpty(filter.taskIds)) this.#requests.allow(message);
    else this.#requests.whenAdmitted(message, (later) => this.#conclude(later, filter));
  }

  /** What refuses a subscription whatever the server has listed. */
  #refusalOfFilter({ uris, taskIds }: ListenFilter): Refusal | undefined {
    const { parts, tasks } = this.#state;
    const { methods } = parts;
    const isAllowed =
      (isEmpty(uris) || methods.hasFeature("resources")) &&
      // WHY: a server may take an empty list of tasks for all of them
      (taskIds === undefined || methods.hasFeature("tasks"));
    if (!isAllowed) return refusalBy(VERDICT_FEATURE_DENIED);
    if (taskIds === undefined) return undefined;
    if (this.#state.isExpiredFor("tasks/get")) return refusalBy(VERDICT_CATALOG_EXPIRED);
    const isOwn = taskIds.every((id) => tasks.makerOfId(id) !== undefined);
    return isOwn ? undefined : refusalBy(VERDICT_TOOL_SMUGGLE, OTHER_TASK);
  }

  #conclude(message: ClientMessage, { uris = [], taskIds = [] }: ListenFilter): void {
    const { decider, epoch, tasks } = this.#state;
    for (const id of taskIds) {
      const maker = tasks.makerOfId(id);
      if (maker?.epoch === epoch) continue;
      const decision = decider.followUp("tool", maker?.tool ?? "");
      if (decision.outcome === "allow") continue;
      const detail = `a task of ${quote(maker?.tool ?? "")}`;
      this.#requests.refuse(message, { decision, detail });
      return;
    }
    for (const uri of uris) {
      // WHY: each is a dispatch of its own. Nobody is asked about several at once: what asks is
      // refused, and passes once its resource was read with an approval for the session
      const decided = decider.subscribe(uri);
      if (decided.decision.outcome === "allow") continue;
      const refusal = { decision: decided.decision, detail: `subscription to ${quote(uri)}` };
      this.#requests.refuse(message, refusal, decided);
      return;
    }
    this.#requests.allow(message);
  }
}

function isEmpty(names: readonly string[] | undefined): boolean {
  return names === undefined || names.length === 0;
}
