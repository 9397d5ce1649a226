// `portcullis lease list`: every lease that the store still has.
import { systemClock } from "../clock.ts";
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import { DIR_OPTION } from "./home.ts";
import { leaseJson, leaseRow } from "./lease.ts";
import { withStateIfAny } from "./state-db.ts";
import { columns } from "./style.ts";

const spec: CommandSpec = {
  name: "lease list",
  summary: "leases, with what is left of them",
  usage: "[--server S] [--dir DIR]",
  options: {
    server: { type: "string", value: "S", help: "of this server only" },
    ...DIR_OPTION,
  },
  notes: ["Expired leases stay in the list for a day. Principals are known by their hash."],
  examples: ["portcullis lease list --server filesystem"],
};

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  const server = args.text("server");
  const all = withStateIfAny(args, io, (store) => store?.listLeases() ?? []);
  const leases = all.filter(({ serverId }) => server === undefined || serverId === server);
  const nowMs = systemClock();
  const rows = leases.map((lease) => leaseRow(lease, nowMs, io.style));
  return {
    exitCode: 0,
    json: { leases: leases.map((lease) => leaseJson(lease, nowMs)) },
    text: rows.length === 0 ? "no leases" : columns(rows).join("\n"),
  };
}

export const leaseListCommand: ReportCommand = { spec, run };
