// `portcullis root show`: the trust root in force, and the draft of the next one.
import { systemClock } from "../clock.ts";
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import { DIR_OPTION } from "./home.ts";
import { openRoots, readDraft } from "./root-draft.ts";
import { describeDraft, describeRoot, draftJson, rootJson } from "./root-report.ts";

const spec: CommandSpec = {
  name: "root show",
  summary: "the trust root: keys, roles, thresholds, expiry, and the draft of the next one",
  usage: "[--dir DIR]",
  options: DIR_OPTION,
  notes: [
    "The chain of roots is verified from the pin. Exit 1 when the last root has expired: then the\n" +
      "guard does not start.",
  ],
  examples: ["portcullis root show"],
};

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  const home = await openRoots(args, io);
  const { style } = io;
  const { current, pin, chain } = home;
  const draft = readDraft(home);
  const isExpired = systemClock() >= current.expiresMs;
  const first = current.version - chain.length + 1;
  const versions = chain.map((_, index) => first + index);
  const range = chain.length === 1 ? `${first}` : `${first} to ${current.version}`;
  return {
    exitCode: isExpired ? 1 : 0,
    json: {
      dir: home.path,
      pin,
      versions,
      expired: isExpired,
      ...rootJson(current),
      draft: draft === undefined ? null : draftJson(home, draft),
    },
    text: [
      `home     ${home.path}`,
      `pinned   ${pin}`,
      `root     version ${current.version} in force, verified from version ${range}`,
      ...describeRoot(current, style),
      ...(isExpired ? [style.red("expired: draft the next one with `portcullis root renew`")] : []),
      ...(draft === undefined ? [] : ["", ...describeDraft(home, draft, style)]),
    ].join("\n"),
  };
}

export const rootShowCommand: ReportCommand = { spec, run };
