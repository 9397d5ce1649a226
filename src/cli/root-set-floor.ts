// `portcullis root set-floor`: drafts a next trust root that refuses catalogs below a version.
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import { DIR_OPTION } from "./home.ts";
import { editDraft, openRoots } from "./root-draft.ts";
import { setFloor } from "./root-edit.ts";
import { DRAFT_NOTE, onlyPositional, readCount } from "./root-options.ts";
import { draftResult } from "./root-report.ts";

const spec: CommandSpec = {
  name: "root set-floor",
  summary: "draft a next trust root that refuses catalogs below a version",
  usage: "VERSION [--dir DIR]",
  options: DIR_OPTION,
  positionals: "VERSION",
  notes: [
    "For a stolen catalog key: what it may have signed is refused, also by a host that never saw a\n" +
      "newer catalog. A floor never sinks. Sign a catalog of that version first, so that there is one\n" +
      "when the new root is in force.",
    DRAFT_NOTE,
  ],
  examples: ["portcullis root set-floor 8"],
};

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  const floor = readCount(spec, "a catalog version", onlyPositional(spec, args));
  const home = await openRoots(args, io);
  const edited = editDraft(home, (settings) => setFloor(settings, floor));
  return draftResult(home, edited, io.style);
}

export const rootSetFloorCommand: ReportCommand = { spec, run };
