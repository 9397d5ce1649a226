// Who has been told that a list may change, and so is told when the catalog changes what is in it.
import type { Feature } from "../catalog/types.ts";
import type { Span } from "../kernel/message.ts";
import { idOfKey, notificationFrame } from "./answers.ts";
import { spanText, valueAt } from "./json-members.ts";

/** Features whose lists can change -> member of a modern subscription's filter. */
const FILTERS: ReadonlyMap<Feature, string> = new Map<Feature, string>([
  ["tools", "toolsListChanged"],
  ["prompts", "promptsListChanged"],
  ["resources", "resourcesListChanged"],
]);
const SUBSCRIPTION_META = "io.modelcontextprotocol/subscriptionId";

/**
 * Legacy: the client has seen a capability with `listChanged`. Modern: the server has acknowledged
 * the subscription. Nobody else is sent anything.
 */
export class ChangeListeners {
  #announced: ReadonlySet<Feature> = new Set();
  /** Id key of the `subscriptions/listen` -> what it hears of. */
  readonly #subscribed = new Map<string, ReadonlySet<Feature>>();

  /**
   * Takes the result of `initialize` as the client sees it.
   *
   * @param line the message after every cut
   */
  sawInitialize(line: Uint8Array, result: Span | undefined): void {
    const has = (feature: Feature): boolean =>
      isTrue(line, valueAt(line, result, "capabilities", feature, "listChanged"));
    this.#announced = new Set([...FILTERS.keys()].filter(has));
  }

  /** Takes the acknowledgement of the subscription with this id key. */
  sawAcknowledged(key: string, line: Uint8Array, params: Span | undefined): void {
    const heard = [...FILTERS].flatMap(([feature, member]) =>
      isTrue(line, valueAt(line, params, "notifications", member)) ? [feature] : [],
    );
    this.#subscribed.set(key, new Set(heard));
  }

  /**
   * One notification for every list and everybody who listens.
   *
   * @param isOpen false for a subscription that has ended; it is forgotten
   */
  frames(isOpen: (key: string) => boolean): Uint8Array[] {
    const found = [...this.#announced].map((feature) => notificationFrame(methodOf(feature), "{}"));
    for (const key of this.#subscribed.keys()) {
      if (isOpen(key)) found.push(...this.framesOf(key));
      else this.#subscribed.delete(key);
    }
    return found;
  }

  /** Those of one subscription. */
  framesOf(key: string): Uint8Array[] {
    const id = JSON.stringify(idOfKey(key));
    const params = `{"_meta":{"${SUBSCRIPTION_META}":${id}}}`;
    const features = [...(this.#subscribed.get(key) ?? [])];
    return features.map((feature) => notificationFrame(methodOf(feature), params));
  }
}

/** The raw id in the `_meta` of a notification that belongs to a subscription. */
export function subscriptionIdOf(line: Uint8Array, params: Span | undefined): Span | undefined {
  return valueAt(line, params, "_meta", SUBSCRIPTION_META);
}

function methodOf(feature: Feature): string {
  return `notifications/${feature}/list_changed`;
}

function isTrue(line: Uint8Array, span: Span | undefined): boolean {
  return span !== undefined && spanText(line, span) === "true";
}
