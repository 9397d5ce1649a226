// `portcullis consent revoke`: takes an approval back.
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import { DIR_OPTION } from "./home.ts";
import { chosenIds } from "./ids.ts";
import { withStateIfAny } from "./state-db.ts";

const spec: CommandSpec = {
  name: "consent revoke",
  summary: "take an approval back",
  usage: "ID | --all [--dir DIR]",
  options: {
    all: { type: "boolean", help: "every approval" },
    ...DIR_OPTION,
  },
  positionals: "ID",
  notes: ["ID is the id of an approval, or its first 8 digits or more where they fit one alone."],
  examples: ["portcullis consent revoke 3f2a9c01d4e7"],
};

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  return withStateIfAny(args, io, (store) => {
    const ids = (store?.listConsents() ?? []).map(({ id }) => id);
    const names = { what: "an approval", command: "consent list" };
    const revoked = chosenIds(spec, args, ids, names).filter((id) => store?.revokeConsent(id));
    return {
      exitCode: 0,
      json: { revoked },
      text: revoked.length === 0 ? "no approvals" : revoked.map((id) => `revoked ${id}`).join("\n"),
    };
  });
}

export const consentRevokeCommand: ReportCommand = { spec, run };
