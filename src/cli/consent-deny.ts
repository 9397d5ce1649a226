// `portcullis consent deny`: refuses a pending question from another terminal.
import type { CommandSpec, ReportCommand } from "./command.ts";
import { answered } from "./consent-approve.ts";
import { DIR_OPTION } from "./home.ts";

const spec: CommandSpec = {
  name: "consent deny",
  summary: "refuse a pending question",
  usage: "ID [--dir DIR]",
  options: DIR_OPTION,
  positionals: "ID",
  notes: ["A question that nobody answers is refused as well, when its time is over."],
  examples: ["portcullis consent deny 3f2a9c01"],
};

export const consentDenyCommand: ReportCommand = {
  spec,
  run: async (args, io) => answered(spec, args, io, { choice: "deny" }),
};
