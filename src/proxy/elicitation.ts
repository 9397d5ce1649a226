// A server's own elicitation is labelled with its server id, so that it cannot imitate the guard's
// (50-proxy section 2.4).
import type { Span } from "../kernel/message.ts";
import type { Edit } from "./cut.ts";
import { foldName, memberNamed, membersOf } from "./json-members.ts";

/** What stands before the message of a server's elicitation. */
export function elicitationLabel(serverId: string): string {
  return `[${serverId}] `;
}

/**
 * The edits that put the label before an elicitation's message; none for any other method.
 *
 * @param serverId needs no escaping in JSON: letters, digits, `_`, `.` and `-`
 * @returns `undefined` when there is no one message to label: then the request must not pass
 */
export function labelEdits(
  line: Uint8Array,
  method: string,
  params: Span | undefined,
  serverId: string,
): Edit[] | undefined {
  if (method !== "elicitation/create") return [];
  const members = params === undefined ? undefined : membersOf(line, params);
  if (members === undefined) return undefined;
  const alike = members.filter(({ name }) => name !== undefined && foldName(name) === "message");
  const message = memberNamed(members, "message");
  if (alike.length !== 1 || message === undefined) return undefined;
  const { start } = message.value;
  if (line[start] !== 0x22) return undefined;
  return [{ start: start + 1, end: start + 1, text: elicitationLabel(serverId) }];
}
