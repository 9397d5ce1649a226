// `portcullis session reset`: the one way in which taint labels go away.
import { sessionHash } from "../guard/identity-hash.ts";
import type { SessionTaint } from "../store/records.ts";
import { usageFault } from "./arguments.ts";
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import { DIR_OPTION, guardHome } from "./home.ts";
import { chosenIds } from "./ids.ts";
import {
  type LabelNames,
  labelNames,
  labelsOf,
  rowsOfSession,
  sessionsWithLabels,
} from "./session-labels.ts";
import { findId, withStateIfAny } from "./state-db.ts";

const spec: CommandSpec = {
  name: "session reset",
  summary: "clear the taint labels of a session",
  usage: "ID | --session NAME | --all [--dir DIR]",
  options: {
    session: { type: "string", value: "NAME", help: "the session that was named with --session" },
    all: { type: "boolean", help: "every session" },
    ...DIR_OPTION,
  },
  positionals: "ID",
  notes: [
    "What the agent has read is still in its context: end its conversation first. Labels that a\n" +
      "sub-session inherits go only with a reset of the session above it.",
  ],
  examples: ["portcullis session reset 3f2a9c01d4e7", "portcullis session reset --session work"],
};

const NAMES = { what: "a session", command: "session list" };

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  const home = guardHome(args, io);
  const named = args.text("session");
  const isElsewhere = args.positionals.length > 0 || args.flag("all");
  if (named !== undefined && (named === "" || isElsewhere)) {
    throw usageFault(spec, "one of ID, --session NAME and --all", "something else");
  }
  const names = await labelNames(home);
  const reset = withStateIfAny(args, io, (store) => {
    const rows = store?.listSessions() ?? [];
    if (args.flag("all")) {
      // labels that no catalog names any more included
      for (const row of rows) store?.resetSession(row.sessionHash);
    }
    const ids = sessionsWithLabels(rows, names).map((session) => session.sessionHash);
    const chosen =
      named === undefined
        ? chosenIds(spec, args, ids, NAMES)
        : [findId(ids, sessionHash(named), NAMES)];
    return chosen
      .map((id) => {
        for (const row of rowsOfSession(id, names)) store?.resetSession(row);
        return id;
      })
      .map((id) => ({ id, taint: taintNow(store?.listSessions() ?? [], id, names) }));
  });
  const report = reset.map(({ id, taint }) => ({ id, labels: labelsOf(names, taint) }));
  const lines = report.map(
    ({ id, labels }) =>
      `reset ${id}${labels.length === 0 ? "" : `; inherits ${labels.join(", ")}`}`,
  );
  return {
    exitCode: 0,
    json: { reset: report },
    text: lines.length === 0 ? "no sessions with labels" : lines.join("\n"),
  };
}

/** What a session carries after its reset: what it inherits. */
function taintNow(rows: readonly SessionTaint[], id: string, names: LabelNames): number {
  const found = sessionsWithLabels(rows, names).find(({ sessionHash }) => sessionHash === id);
  return found?.taint ?? 0;
}

export const sessionResetCommand: ReportCommand = { spec, run };
