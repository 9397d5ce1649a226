// `portcullis run`: the stdio guard. Standard output belongs to the protocol.
import { resolve } from "node:path";

import type { TrustedCatalog } from "../catalog/trusted.ts";
import { PRINCIPAL_DEFAULT } from "../guard/principal-match.ts";
import { ProtectedPaths } from "../guard/protected-paths.ts";
import { runStdioGuard } from "../proxy/stdio-run.ts";
import { stdioSession } from "../proxy/stdio-session.ts";
import type { SyncStateStore } from "../store/types.ts";
import { listOf, requiredText, usageFault } from "./arguments.ts";
import type { Arguments, CommandSpec, Io, StreamCommand } from "./command.ts";
import { namesOf, openStateOrOwn, readDenyAs } from "./guard-settings.ts";
import { DIR_OPTION, guardHome } from "./home.ts";
import { HomeUpdates } from "./home-updates.ts";
import { openRecorder } from "./record-file.ts";
import { RunAudit } from "./run-audit.ts";

const spec: CommandSpec = {
  name: "run",
  summary: "the guard in front of a stdio server",
  usage:
    "--server ID [--principal P] [--session S] [--scope-cap LIST] [--deny-as error|result]\n" +
    "         [--record FILE] [--dir DIR] [-- CMD ARGS...]",
  options: {
    server: { type: "string", value: "ID", help: "server id of the catalog" },
    principal: { type: "string", value: "P", help: "who calls; default local" },
    session: { type: "string", value: "S", help: "names the session; default: that of the client" },
    "scope-cap": { type: "string", value: "LIST", help: "scopes this session may use at most" },
    "deny-as": {
      type: "string",
      value: "KIND",
      help: "a refusal is an `error` (default) or a `result`",
    },
    record: { type: "string", value: "FILE", help: "append one JSON line for every decision" },
    ...DIR_OPTION,
  },
  takesCommand: true,
  notes: [
    "Without CMD the command of the catalog is run; with one it must be that command. When the\n" +
      "catalog cannot be verified nothing is started (exit 2), else the exit code is the server's.",
    "Leases, approvals, labels of sessions and drift are in `state.db` of the home; when it cannot be\n" +
      "opened nothing is started. Where a call asks, a person answers in the client, or with\n" +
      "`portcullis consent`. No argument of a call may name the home.",
    "SIGHUP, or a change of the signed files in the home, makes the guard verify them again: a good\n" +
      "catalog takes over without a restart; a bad one is refused, and the running one stays in\n" +
      "force until it expires.",
  ],
  examples: [
    "portcullis run --server filesystem",
    "portcullis run --server filesystem --scope-cap fs.read",
  ],
};

async function stream(args: Arguments, io: Io): Promise<number> {
  const serverId = requiredText(spec, args, "server");
  const denyAs = readDenyAs(spec, args.text("deny-as"));
  const cap = args.text("scope-cap");
  const principal = args.text("principal") ?? PRINCIPAL_DEFAULT;
  if (principal === "") throw usageFault(spec, "a principal", "an empty name");
  const updates = new HomeUpdates(args, io);
  try {
    return await guard(args, io, { serverId, denyAs, cap, principal, updates });
  } finally {
    updates.close();
  }
}

interface GuardSettings {
  readonly serverId: string;
  readonly denyAs: "error" | "result";
  readonly cap: string | undefined;
  readonly principal: string;
  readonly updates: HomeUpdates;
}

async function guard(args: Arguments, io: Io, settings: GuardSettings): Promise<number> {
  const { serverId, denyAs, cap, principal, updates } = settings;
  const catalog = await updates.open();
  const home = guardHome(args, io);
  const session = sessionOf(args, io, principal);
  const record = args.text("record");
  const recorder =
    record === undefined
      ? undefined
      : openRecorder(resolve(io.cwd, record), { principal, session });
  let store: SyncStateStore | undefined;
  let audit: RunAudit | undefined;
  try {
    store = openStateOrOwn(home, io);
    audit = await RunAudit.open(home, catalog, { store, files: updates.files, io });
    const { sink } = audit;
    const onTakeOver = (next: TrustedCatalog): void => audit?.useCatalog(next);
    return await runStdioGuard({
      catalog,
      serverId,
      principal,
      sessionId: session,
      store,
      audit: sink,
      auditMode: updates.auditMode,
      onTakeOver,
      protectedPaths: ProtectedPaths.of(namesOf(home.path)),
      denyAs,
      updates,
      ...(args.command === undefined ? {} : { command: args.command }),
      ...(cap === undefined ? {} : { scopeCap: listOf(spec, "scope-cap", cap) }),
      ...(recorder === undefined ? {} : { onRecord: recorder.write }),
    });
  } finally {
    await audit?.close();
    store?.close();
    recorder?.close();
  }
}

/** `--session`, else `PORTCULLIS_SESSION`, else the session of the client that started this. */
function sessionOf(args: Arguments, io: Io, principal: string): string {
  const typed = args.text("session");
  if (typed === "") throw usageFault(spec, "the name of a session", "an empty one");
  const variable = io.env["PORTCULLIS_SESSION"];
  const explicit = typed ?? (variable === "" ? undefined : variable);
  return stdioSession({ explicit, principal, home: guardHome(args, io).path });
}

export const runCommand: StreamCommand = { spec, stream };
