// `portcullis root drop-key`: drafts a next trust root without a key, or with one role less.
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import { DIR_OPTION } from "./home.ts";
import { editDraft, openRoots } from "./root-draft.ts";
import { dropKey } from "./root-edit.ts";
import { DRAFT_NOTE, onlyPositional, readRoles } from "./root-options.ts";
import { draftResult } from "./root-report.ts";

const spec: CommandSpec = {
  name: "root drop-key",
  summary: "draft a next trust root without a key, or with one role less",
  usage: "NAME [--role ROLE[,ROLE...]] [--dir DIR]",
  options: {
    role: { type: "string", value: "ROLE,...", help: "take only these roles from the key" },
    ...DIR_OPTION,
  },
  positionals: "NAME",
  notes: ["When the key was stolen, raise the floor too: `portcullis root set-floor`.", DRAFT_NOTE],
  examples: ["portcullis root drop-key carol", "portcullis root drop-key carol --role catalog"],
};

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  const name = onlyPositional(spec, args);
  const roles = readRoles(spec, args);
  const home = await openRoots(args, io);
  const edited = editDraft(home, (settings) => dropKey(settings, name, roles));
  return draftResult(home, edited, io.style);
}

export const rootDropKeyCommand: ReportCommand = { spec, run };
