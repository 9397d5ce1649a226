// `portcullis session list`: which sessions carry which taint labels.
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import { DIR_OPTION, guardHome } from "./home.ts";
import { labelNames, labelsOf, sessionsWithLabels } from "./session-labels.ts";
import { shortId, withStateIfAny } from "./state-db.ts";
import { columns } from "./style.ts";

const spec: CommandSpec = {
  name: "session list",
  summary: "sessions and their taint labels",
  usage: "[--dir DIR]",
  options: DIR_OPTION,
  notes: [
    "A session that has read nothing is not in the list. Sessions are known by the hash of their\n" +
      "id; a sub-session carries the labels of the sessions above it as well.",
  ],
  examples: ["portcullis session list"],
};

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  const names = await labelNames(guardHome(args, io));
  const stored = withStateIfAny(args, io, (store) => store?.listSessions() ?? []);
  const sessions = sessionsWithLabels(stored, names);
  const rows = sessions.map(({ sessionHash, own, taint, parent }) => [
    shortId(sessionHash),
    labelsOf(names, taint).join(", ") || io.style.dim("none"),
    parent === null
      ? ""
      : `under ${shortId(parent)}, itself: ${labelsOf(names, own).join(", ") || "none"}`,
  ]);
  return {
    exitCode: 0,
    json: {
      sessions: sessions.map(({ sessionHash, own, taint, parent }) => ({
        id: sessionHash,
        labels: labelsOf(names, taint),
        own: labelsOf(names, own),
        parent,
      })),
    },
    text: rows.length === 0 ? "no sessions with labels" : columns(rows).join("\n"),
  };
}

export const sessionListCommand: ReportCommand = { spec, run };
