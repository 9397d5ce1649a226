// `portcullis root add-key`: drafts a next trust root with one more key, or one more role.
import { resolve } from "node:path";

import { usageFault } from "./arguments.ts";
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import { DIR_OPTION } from "./home.ts";
import { loadPublicKey } from "./private-key.ts";
import { editDraft, openRoots } from "./root-draft.ts";
import { addKey } from "./root-edit.ts";
import { DRAFT_NOTE, onlyPositional, readRoles } from "./root-options.ts";
import { draftResult } from "./root-report.ts";

const spec: CommandSpec = {
  name: "root add-key",
  summary: "draft a next trust root with one more key, or one more role",
  usage: "NAME --role ROLE[,ROLE...] [--key FILE] [--dir DIR]",
  options: {
    role: { type: "string", value: "ROLE,...", help: "of root, catalog, audit" },
    key: {
      type: "string",
      value: "FILE",
      help: "the key, best its public half; not for a key that is there",
    },
    ...DIR_OPTION,
  },
  positionals: "NAME",
  notes: [
    "FILE is a public key (PEM, or an OpenSSH line) or a private one. A key with the role audit can\n" +
      "hold no other.",
    DRAFT_NOTE,
  ],
  examples: [
    "portcullis root add-key dave --key dave.pem.pub --role root,catalog",
    "portcullis root add-key host-2 --key host-2.pem.pub --role audit",
  ],
};

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  const name = onlyPositional(spec, args);
  const roles = readRoles(spec, args);
  if (roles === undefined) throw usageFault(spec, "--role ROLE", "none");
  const file = args.text("key");
  const home = await openRoots(args, io);
  const key = file === undefined ? undefined : await loadPublicKey(io, resolve(io.cwd, file));
  const edited = editDraft(home, (settings) => addKey(settings, name, key, roles));
  return draftResult(home, edited, io.style);
}

export const rootAddKeyCommand: ReportCommand = { spec, run };
