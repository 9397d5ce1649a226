// `subscriptions/listen`: the resources in it are dispatches, the tasks are those of this session.
import {
  VERDICT_CATALOG_EXPIRED,
  VERDICT_FEATURE_DENIED,
  VERDICT_TOOL_SMUGGLE,
} from "../abi/verdict.ts";
import { quote } from "../errors.ts";
import type { EngineDecision } from "../guard/engine-types.ts";
import type { ClientMessage } from "./client-message.ts";
import { type ClientRequests, type Refusal, refusalBy } from "./client-requests.ts";
import { andThen, type Eventually } from "./eventually.ts";
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
    // WHY: one after the other, and none behind the first that is refused
    const steps = [
      ...taskIds.map((id) => () => this.#refusalOfTask(id)),
      ...uris.map((uri) => () => this.#refusalOfResource(uri)),
    ];
    const answer = steps.reduce<Eventually<Refused | undefined>>(
      (before, next) => andThen(before, (refused) => refused ?? next()),
      undefined,
    );
    this.#requests.whenAnswered(message, answer, (later, refused) => {
      if (refused === undefined) this.#requests.allow(later);
      else this.#requests.refuse(later, refused, refused.decided);
    });
  }

  #refusalOfTask(id: string): Eventually<Refused | undefined> {
    const { decider, epoch, tasks } = this.#state;
    const maker = tasks.makerOfId(id);
    if (maker?.epoch === epoch) return undefined;
    return andThen(decider.followUp("tool", maker?.tool ?? ""), (decision) => {
      if (decision.outcome === "allow") return undefined;
      return { decision, detail: `a task of ${quote(maker?.tool ?? "")}`, decided: undefined };
    });
  }

  /**
   * WHY: each is a dispatch of its own. Nobody is asked about several at once: what asks is refused,
   * and passes once its resource was read with an approval for the session.
   */
  #refusalOfResource(uri: string): Eventually<Refused | undefined> {
    return andThen(this.#state.decider.subscribe(uri), (decided) => {
      const { decision } = decided;
      if (decision.outcome === "allow") return undefined;
      return { decision, detail: `subscription to ${quote(uri)}`, decided };
    });
  }
}

interface Refused extends Refusal {
  /** What every layer came to, where they were asked. */
  readonly decided: EngineDecision | undefined;
}

function isEmpty(names: readonly string[] | undefined): boolean {
  return names === undefined || names.length === 0;
}
