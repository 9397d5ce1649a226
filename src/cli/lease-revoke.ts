// `portcullis lease revoke`: ends a lease, or all of them, at once and for every guard of the home.
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import { DIR_OPTION } from "./home.ts";
import { chosenIds } from "./ids.ts";
import { withStateIfAny } from "./state-db.ts";

const spec: CommandSpec = {
  name: "lease revoke",
  summary: "end a lease at once",
  usage: "ID | --all [--dir DIR]",
  options: {
    all: { type: "boolean", help: "every lease" },
    ...DIR_OPTION,
  },
  positionals: "ID",
  notes: ["ID is the id of a lease, or its first 8 digits or more where they fit one alone."],
  examples: ["portcullis lease revoke 3f2a9c01d4e7"],
};

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  return withStateIfAny(args, io, (store) => {
    const ids = (store?.listLeases() ?? [])
      .filter(({ revoked }) => !(revoked && args.flag("all")))
      .map(({ id }) => id);
    const names = { what: "a lease", command: "lease list" };
    const revoked = chosenIds(spec, args, ids, names).filter((id) => store?.revokeLease(id));
    return {
      exitCode: 0,
      json: { revoked },
      text: revoked.length === 0 ? "no leases" : revoked.map((id) => `revoked ${id}`).join("\n"),
    };
  });
}

export const leaseRevokeCommand: ReportCommand = { spec, run };
