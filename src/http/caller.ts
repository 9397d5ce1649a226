// Whether two callers are one, and what belongs to one.
import { toHex, utf8 } from "../bytes.ts";
import { PRINCIPAL_DEFAULT } from "../guard/principal-match.ts";
import { sha256 } from "../kernel/digest.ts";
import type { Caller } from "./auth-types.ts";

/** For what is recorded and is about no caller. */
export const NOBODY: Caller = { principal: PRINCIPAL_DEFAULT, credential: "none" };

export function isSameCaller(a: Caller, b: Caller): boolean {
  return a.principal === b.principal && a.credential === b.credential;
}

/** What labels and approvals belong to (40-gateway section 2): principal and credential. */
export function sessionIdOf({ principal, credential }: Caller): string {
  return `http:${toHex(sha256(utf8(JSON.stringify([principal, credential]))))}`;
}

/** What the connections of one caller to one server are found by. */
export function groupOf(serverId: string, { principal, credential }: Caller): string {
  return JSON.stringify([serverId, principal, credential]);
}
