// `portcullis lease grant`: a grant for some tools, for some time, perhaps for a number of calls.
import type { Catalog, CatalogItem, CatalogServer } from "../catalog/types.ts";
import { systemClock } from "../clock.ts";
import { GuardError, quote } from "../errors.ts";
import { argumentsDigest } from "../guard/args-digest.ts";
import { principalHash } from "../guard/identity-hash.ts";
import {
  createScopeLease,
  LIMIT_LEASE_INVOCATIONS,
  LIMIT_LEASE_TTL_SECONDS,
} from "../guard/lease.ts";
import { matchPrincipal, PRINCIPAL_DEFAULT } from "../guard/principal-match.ts";
import { listOf, requiredText, usageFault } from "./arguments.ts";
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import { durationSeconds } from "./duration.ts";
import { DIR_OPTION, guardHome } from "./home.ts";
import { leaseJson, leaseRow } from "./lease.ts";
import { withState } from "./state-db.ts";
import { columns } from "./style.ts";
import { openHome } from "./trust-files.ts";

const TTL_DEFAULT = "5m";

const spec: CommandSpec = {
  name: "lease grant",
  summary: "let a principal use tools of a server for some time",
  usage:
    "--server S --tool T[,T] [--principal P] [--ttl 5m] [--max N] [--state-changing]\n" +
    "         [--args JSON] [--dir DIR]",
  options: {
    server: { type: "string", value: "S", help: "server id of the catalog" },
    tool: { type: "string", value: "T[,T]", help: "names of pinned tools of that server" },
    principal: { type: "string", value: "P", help: "who may call; default local" },
    ttl: { type: "string", value: "TIME", help: "how long, e.g. 30s, 5m, 2h, 1d; default 5m" },
    max: { type: "string", value: "N", help: "calls, at most; default: as many as there are" },
    "state-changing": { type: "boolean", help: "also for tools that change something" },
    args: { type: "string", value: "JSON", help: "for calls with exactly these arguments" },
    ...DIR_OPTION,
  },
  notes: [
    "Server, tools and principal must be in the signed catalog. A lease lifts `lease_required` and\n" +
      "nothing else: scope, policy, consent and taint are decided as before.",
  ],
  examples: [
    "portcullis lease grant --server filesystem --tool write_file --ttl 10m --max 3 --state-changing",
  ],
};

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  const serverId = requiredText(spec, args, "server");
  const tools = listOf(spec, "tool", requiredText(spec, args, "tool"));
  const principal = args.text("principal") ?? PRINCIPAL_DEFAULT;
  if (principal === "") throw usageFault(spec, "a principal", "an empty name");
  const ttl = args.text("ttl") ?? TTL_DEFAULT;
  const ttlSeconds = durationSeconds(spec, "ttl", ttl, LIMIT_LEASE_TTL_SECONDS);
  const maxInvocations = readMax(args.text("max"));
  const stateChanging = args.flag("state-changing");
  const argsDigest = readArgsDigest(args.text("args"));
  const home = guardHome(args, io);
  const { catalog } = await openHome(home, { remembers: false });
  assertGrantable(catalog.catalog, { serverId, tools, principal, stateChanging });
  const lease = createScopeLease({
    principalHash: principalHash(principal),
    serverId,
    grantedTools: tools,
    ttlSeconds,
    maxInvocations,
    stateChanging,
    argsDigest,
  });
  withState(home, (store) => {
    if (store.putLease(lease)) return;
    const message = "expected a fresh lease id, got one that is taken; try again";
    throw new GuardError("STORE_UNAVAILABLE", message);
  });
  const nowMs = systemClock();
  return {
    exitCode: 0,
    json: { lease: leaseJson(lease, nowMs) },
    text: [`granted ${lease.id}`, ...columns([leaseRow(lease, nowMs, io.style)])].join("\n"),
  };
}

interface Grant {
  readonly serverId: string;
  readonly tools: readonly string[];
  readonly principal: string;
  readonly stateChanging: boolean;
}

/**
 * Refuses a lease that could never be used: a name that is mistyped, or a tool that it cannot cover.
 *
 * @throws {GuardError} SERVER_UNKNOWN, ARGUMENT_INVALID.
 */
function assertGrantable(catalog: Catalog, grant: Grant): void {
  const { serverId, tools, principal, stateChanging } = grant;
  const server = catalog.servers.get(serverId);
  if (server === undefined) {
    const message = `expected a server of the catalog, got ${quote(serverId)}; pin it first`;
    throw new GuardError("SERVER_UNKNOWN", message);
  }
  for (const name of tools) {
    const { effect } = toolOf(server, name);
    if (effect !== "read" && !stateChanging) {
      const message = `expected --state-changing, because ${quote(name)} has the effect ${effect}`;
      throw new GuardError("ARGUMENT_INVALID", `${message}; a lease without it never covers it`);
    }
  }
  if (matchPrincipal(catalog, principal, serverId).isKnown) return;
  const message = `expected a principal that the catalog lets use ${quote(serverId)}`;
  throw new GuardError("ARGUMENT_INVALID", `${message}, got ${quote(principal)}`);
}

function toolOf(server: CatalogServer, name: string): CatalogItem {
  const tool = server.tools.get(name);
  if (tool !== undefined) return tool;
  const message = `expected a pinned tool of ${quote(server.id)}, got ${quote(name)}`;
  throw new GuardError("ARGUMENT_INVALID", `${message}; correct the name, or pin it first`);
}

function readMax(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const count = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : Number.NaN;
  if (count <= LIMIT_LEASE_INVOCATIONS) return count;
  throw usageFault(spec, `--max from 1 to ${LIMIT_LEASE_INVOCATIONS}`, quote(text));
}

/** @throws {GuardError} ARGUMENT_INVALID without the arguments in it: they may hold a secret. */
function readArgsDigest(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    return argumentsDigest(text);
  } catch (cause) {
    if (!(cause instanceof GuardError)) throw cause;
    const message = `expected a JSON object as --args: ${cause.message}`;
    throw new GuardError("ARGUMENT_INVALID", message, { cause });
  }
}

export const leaseGrantCommand: ReportCommand = { spec, run };
