// `portcullis root renew`: drafts a next trust root that says the same and expires later.
import { systemClock } from "../clock.ts";
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import { DIR_OPTION } from "./home.ts";
import { editDraft, openRoots } from "./root-draft.ts";
import { rootExpiry } from "./root-edit.ts";
import { DRAFT_NOTE } from "./root-options.ts";
import { draftResult } from "./root-report.ts";

const spec: CommandSpec = {
  name: "root renew",
  summary: "draft a next trust root that expires later",
  usage: "[--dir DIR]",
  options: DIR_OPTION,
  notes: [
    "It expires two years from now, as every draft does when it is made. Also for a root that has\n" +
      "expired.",
    DRAFT_NOTE,
  ],
  examples: ["portcullis root renew"],
};

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  const home = await openRoots(args, io);
  const expiresMs = rootExpiry(systemClock());
  const edited = editDraft(home, (settings) => ({ ...settings, expiresMs }));
  return draftResult(home, edited, io.style);
}

export const rootRenewCommand: ReportCommand = { spec, run };
