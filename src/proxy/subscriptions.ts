// The resources that a modern `subscriptions/listen` asks to hear of.
import type { Span } from "../kernel/message.ts";
import { elementsOf, readString, soleMember } from "./json-members.ts";

const FILTER = "notifications";
const RESOURCES = "resourceSubscriptions";

/**
 * The URIs in `params.notifications.resourceSubscriptions`.
 *
 * @returns none when it is absent; `undefined` when it, or a look-alike of it, cannot be judged
 */
export function subscribedUris(line: Uint8Array, params: Span | undefined): string[] | undefined {
  if (params === undefined) return [];
  const filter = soleMember(line, params, FILTER);
  if (filter === "none") return [];
  const resources = filter === undefined ? undefined : soleMember(line, filter, RESOURCES);
  if (resources === "none") return [];
  const elements = resources === undefined ? undefined : elementsOf(line, resources);
  if (elements === undefined) return undefined;
  const uris: string[] = [];
  for (const element of elements) {
    const uri = readString(line, element);
    if (uri === undefined) return undefined;
    uris.push(uri);
  }
  return uris;
}
