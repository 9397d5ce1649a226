// What a modern `subscriptions/listen` asks to hear of, beside the lists.
import type { Span } from "../kernel/message.ts";
import { elementsOf, readString, soleMember } from "./json-members.ts";

const FILTER = "notifications";
const RESOURCES = "resourceSubscriptions";
const TASKS = "taskIds";

/** What the filter names; `undefined` where it has no such member. */
export interface ListenFilter {
  /** Each once. */
  readonly uris: readonly string[] | undefined;
  /** Each once. */
  readonly taskIds: readonly string[] | undefined;
}

/**
 * The URIs in `params.notifications.resourceSubscriptions`, and the ids in `taskIds` beside it.
 *
 * @returns `undefined` when one of them, or a look-alike, cannot be judged
 */
export function listenFilterOf(
  line: Uint8Array,
  params: Span | undefined,
): ListenFilter | undefined {
  const filter = params === undefined ? "none" : soleMember(line, params, FILTER);
  if (filter === "none") return { uris: undefined, taskIds: undefined };
  if (filter === undefined) return undefined;
  const uris = textsIn(line, filter, RESOURCES);
  const taskIds = textsIn(line, filter, TASKS);
  if (uris === "unreadable" || taskIds === "unreadable") return undefined;
  return { uris, taskIds };
}

/** The array of texts that the member of that name holds; `undefined` when there is no such one. */
function textsIn(
  line: Uint8Array,
  object: Span,
  name: string,
): readonly string[] | "unreadable" | undefined {
  const array = soleMember(line, object, name);
  if (array === "none") return undefined;
  const elements = array === undefined ? undefined : elementsOf(line, array);
  if (elements === undefined) return "unreadable";
  // WHY: one name a million times is one question
  const texts = new Set<string>();
  for (const element of elements) {
    const text = readString(line, element);
    if (text === undefined) return "unreadable";
    texts.add(text);
  }
  return [...texts];
}
