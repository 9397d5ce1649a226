// `portcullis root set-threshold`: drafts a next trust root in which more or fewer keys must sign.
import { usageFault } from "./arguments.ts";
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import { DIR_OPTION } from "./home.ts";
import { editDraft, openRoots } from "./root-draft.ts";
import { setThreshold } from "./root-edit.ts";
import { DRAFT_NOTE, onlyPositional, readCount, readRoles } from "./root-options.ts";
import { draftResult } from "./root-report.ts";

const spec: CommandSpec = {
  name: "root set-threshold",
  summary: "draft a next trust root in which more or fewer keys of a role must sign",
  usage: "N --role ROLE[,ROLE...] [--dir DIR]",
  options: {
    role: { type: "string", value: "ROLE,...", help: "of root, catalog, audit" },
    ...DIR_OPTION,
  },
  positionals: "N",
  notes: [DRAFT_NOTE],
  examples: ["portcullis root set-threshold 2 --role root,catalog"],
};

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  const threshold = readCount(spec, "a threshold", onlyPositional(spec, args));
  const roles = readRoles(spec, args);
  if (roles === undefined) throw usageFault(spec, "--role ROLE", "none");
  const home = await openRoots(args, io);
  const edited = editDraft(home, (settings) =>
    roles.reduce((next, role) => setThreshold(next, role, threshold), settings),
  );
  return draftResult(home, edited, io.style);
}

export const rootSetThresholdCommand: ReportCommand = { spec, run };
