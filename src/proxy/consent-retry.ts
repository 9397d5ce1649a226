// A modern call that comes back with an answer to the guard: what of it is the guard's is taken out,
// and what is the server's own is put back (50-proxy section 2.3).
import type { Span } from "../kernel/message.ts";
import { GUARD_ID_PREFIX } from "./complete-listing.ts";
import { type ConsentState, openConsentState } from "./consent-state.ts";
import { cutElements, type Edit, outsideOf } from "./cut.ts";
import {
  foldName,
  type Member,
  memberNamed,
  membersOf,
  readString,
  spanText,
} from "./json-members.ts";

/** The guard's own key in `inputRequests`; nobody else's may begin like it. */
export const CONSENT_KEY: string = `${GUARD_ID_PREFIX}consent`;

const STATE = "requestState";
const RESPONSES = "inputResponses";
const NAMES: ReadonlySet<string> = new Set([STATE, RESPONSES]);
const FOLDED: ReadonlySet<string> = new Set([...NAMES].map(foldName));

/** What a call brings back to the guard. */
export interface ConsentRetry {
  /** `undefined`: no state that this guard has sealed. */
  readonly state: ConsentState | undefined;
  /** The answer under the guard's key: its span in the message; `undefined` when there is none. */
  readonly answer: Span | undefined;
  /** Make the message what it would have been without the guard. */
  readonly edits: readonly Edit[];
}

/**
 * Looks for the guard's parts in the `params` of a call.
 *
 * @returns `none` for a call that has nothing of the guard; `malformed` when a look-alike stands
 *   beside what is read here
 */
export function readConsentRetry(
  line: Uint8Array,
  params: Span | undefined,
  key: Uint8Array,
): ConsentRetry | "none" | "malformed" {
  const members = params === undefined ? undefined : membersOf(line, params);
  if (params === undefined || members === undefined) return "none";
  const state = memberNamed(members, STATE);
  const responses = memberNamed(members, RESPONSES);
  const text = readString(line, state?.value);
  const answers = responses === undefined ? undefined : membersOf(line, responses.value);
  const isStateOwn = text?.startsWith(GUARD_ID_PREFIX) === true;
  const own = (answers ?? []).filter(isGuards);
  if (!isStateOwn && own.length === 0) return "none";
  if (members.some(isLookAlike)) return "malformed";
  const opened = isStateOwn ? openConsentState(key, text) : undefined;
  const edits = restore({ line, params, members, own, opened, isStateOwn });
  return { state: opened, answer: memberNamed(own, CONSENT_KEY)?.value, edits };
}

interface Found {
  readonly line: Uint8Array;
  readonly params: Span;
  readonly members: readonly Member[];
  /** The guard's among the answers. */
  readonly own: readonly Member[];
  readonly opened: ConsentState | undefined;
  readonly isStateOwn: boolean;
}

function restore({ line, params, members, own, opened, isStateOwn }: Found): Edit[] {
  const inside: Edit[] = [];
  const put = (member: Member, text: string | null | undefined): boolean => {
    if (text == null) return false;
    inside.push({ ...member.value, text });
    return true;
  };
  const keeps = members.map((member) => {
    if (member.name === STATE) return !isStateOwn || put(member, opened?.requestState);
    if (member.name !== RESPONSES) return true;
    if (opened !== undefined) return put(member, opened.inputResponses);
    // a state that does not hold: the answers to the server stay, those to the guard go
    const all = membersOf(line, member.value) ?? [];
    if (own.length === 0) return true;
    const kept = all.map((one) => !own.some(({ whole }) => whole.start === one.whole.start));
    const spans = all.map(({ whole }) => whole);
    inside.push(...cutElements(member.value, spans, kept));
    return kept.includes(true);
  });
  const spans = members.map(({ whole }) => whole);
  const outer = cutElements(params, spans, keeps);
  return [...outer, ...outsideOf(outer, inside)];
}

/** The server's own parts of a call, as JSON text: what the guard carries while it asks. */
export function ownPartsOf(
  line: Uint8Array,
  params: Span | undefined,
): Pick<ConsentState, "requestState" | "inputResponses"> {
  const members = (params === undefined ? undefined : membersOf(line, params)) ?? [];
  const textOf = (name: string): string | null => {
    const member = memberNamed(members, name);
    return member === undefined ? null : spanText(line, member.value);
  };
  return { requestState: textOf(STATE), inputResponses: textOf(RESPONSES) };
}

function isGuards({ name }: Member): boolean {
  return name?.startsWith(GUARD_ID_PREFIX) === true;
}

function isLookAlike({ name }: Member): boolean {
  return name !== undefined && !NAMES.has(name) && FOLDED.has(foldName(name));
}
