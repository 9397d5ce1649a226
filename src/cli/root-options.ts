// Arguments that the commands of the trust root share.

import { quote } from "../errors.ts";
import { listOf, usageFault } from "./arguments.ts";
import type { Arguments, CommandSpec } from "./command.ts";
import { ROLE_NAMES, type RoleName } from "./root-edit.ts";

/** What every command that edits the draft says about it in `--help`. */
export const DRAFT_NOTE: string =
  "Nothing is in force yet: the change goes to root.<N+1>.draft.json, a change of it costs its\n" +
  "signatures, and `portcullis root sign` puts it in force when the threshold of the root in force\n" +
  "and its own are met. Remove the file to start over.";

/** The one positional argument. @throws {GuardError} USAGE when there is another number of them */
export function onlyPositional(spec: CommandSpec, args: Arguments): string {
  const [only] = args.positionals;
  if (only !== undefined && args.positionals.length === 1) return only;
  throw usageFault(spec, `one ${spec.positionals ?? "argument"}`, `${args.positionals.length}`);
}

/** The roles of `--role`; `undefined` without it. @throws {GuardError} USAGE for an unknown one */
export function readRoles(spec: CommandSpec, args: Arguments): readonly RoleName[] | undefined {
  const text = args.text("role");
  if (text === undefined) return undefined;
  const roles = listOf(spec, "role", text).map((name) => {
    const role = ROLE_NAMES.find((one) => one === name);
    if (role !== undefined) return role;
    throw usageFault(spec, `--role of ${ROLE_NAMES.join(", ")}`, quote(name));
  });
  return [...new Set(roles)];
}

/** A whole number from 1. @throws {GuardError} USAGE when `text` is anything else */
export function readCount(spec: CommandSpec, what: string, text: string): number {
  const count = Number(text);
  if (/^[1-9]\d{0,15}$/.test(text) && Number.isSafeInteger(count)) return count;
  throw usageFault(spec, `${what}, a whole number from 1`, quote(text));
}
