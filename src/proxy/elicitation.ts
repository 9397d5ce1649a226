// A server's own elicitation is labelled with its server id, so that it cannot imitate the guard's
// (50-proxy section 2.4), be it a request, a part of a result, or an error.
import type { Span } from "../kernel/message.ts";
import type { Edit } from "./cut.ts";
import {
  elementsOf,
  foldName,
  memberNamed,
  membersOf,
  readNumber,
  soleMember,
} from "./json-members.ts";

const ELICITATION = "elicitation/create";
/** 2025-11-25: the error by which a server asks the client to open a URL. */
const URL_ELICITATION_CODE = -32042;

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
  if (method !== ELICITATION) return [];
  const members = params === undefined ? undefined : membersOf(line, params);
  if (members === undefined) return undefined;
  const alike = members.filter(({ name }) => name !== undefined && foldName(name) === "message");
  const message = memberNamed(members, "message");
  if (alike.length !== 1 || message === undefined) return undefined;
  const { start } = message.value;
  if (line[start] !== 0x22) return undefined;
  return [{ start: start + 1, end: start + 1, text: elicitationLabel(serverId) }];
}

/** True for an error that asks the client to open a URL, also where only a look-alike says so. */
export function asksForUrl(line: Uint8Array, failure: Span): boolean {
  const members = membersOf(line, failure) ?? [];
  return members.some(({ name, value }) => {
    const isCode = name !== undefined && foldName(name) === "code";
    return isCode && readNumber(line, value) === URL_ELICITATION_CODE;
  });
}

/**
 * The edits that put the label before every message in `data.elicitations` of such an error.
 *
 * @returns `undefined` when one of them cannot be labelled: then the error must not pass
 */
export function urlLabelEdits(
  line: Uint8Array,
  failure: Span,
  serverId: string,
): Edit[] | undefined {
  const data = soleMember(line, failure, "data");
  if (data === "none") return [];
  const array = data === undefined ? undefined : soleMember(line, data, "elicitations");
  if (array === "none") return [];
  const elements = array === undefined ? undefined : elementsOf(line, array);
  if (elements === undefined) return undefined;
  const edits: Edit[] = [];
  for (const element of elements) {
    const [label] = labelEdits(line, ELICITATION, element, serverId) ?? [];
    if (label === undefined) return undefined;
    edits.push(label);
  }
  return edits;
}
