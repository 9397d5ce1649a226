// `ID | --all`: which rows a command is about.
import { usageFault } from "./arguments.ts";
import type { Arguments, CommandSpec } from "./command.ts";
import { findId } from "./state-db.ts";

/**
 * The id that is named, or all of them with `--all`.
 *
 * @param names as `findId`
 * @throws {GuardError} USAGE for neither, both, or several; ARGUMENT_INVALID for one that is not
 *   there.
 */
export function chosenIds(
  spec: CommandSpec,
  args: Arguments,
  ids: readonly string[],
  names: { readonly what: string; readonly command: string },
): readonly string[] {
  const [typed, ...others] = args.positionals;
  if (others.length > 0) throw usageFault(spec, "one ID", `${others.length + 1}`);
  if (args.flag("all")) {
    if (typed !== undefined) throw usageFault(spec, "ID or --all", "both");
    return ids;
  }
  if (typed === undefined) throw usageFault(spec, "ID or --all", "neither");
  return [findId(ids, typed, names)];
}
