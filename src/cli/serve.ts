// `portcullis serve`: the guard over HTTP, in front of every server of the catalog.
import { once } from "node:events";
import type { Server } from "node:http";
import { resolve } from "node:path";
import process from "node:process";

import type { TrustedCatalog } from "../catalog/trusted.ts";
import { GuardError, quote } from "../errors.ts";
import { ProtectedPaths } from "../guard/protected-paths.ts";
import { createGuardHandler, type GuardHandler } from "../http/handler.ts";
import { childLinks } from "../http/node-child-link.ts";
import { nodeFetch } from "../http/node-fetch.ts";
import { createNodeServer } from "../http/node-server.ts";
import { CatalogReload } from "../proxy/catalog-reload.ts";
import type { SyncStateStore } from "../store/types.ts";
import { listOf } from "./arguments.ts";
import type { Arguments, CommandSpec, Io, StreamCommand } from "./command.ts";
import { reportFault } from "./fault.ts";
import { namesOf, openStateOrOwn, readDenyAs } from "./guard-settings.ts";
import { DIR_OPTION, guardHome } from "./home.ts";
import { HomeUpdates } from "./home-updates.ts";
import { openRecorder } from "./record-file.ts";
import { RunAudit } from "./run-audit.ts";
import { type Listen, readAuth, readHosts, readListen, SERVE_OPTIONS } from "./serve-options.ts";

const IDLE_SWEEP_MS = 60_000;
/**
 * Connections that wait to be taken. WHY: Linux resets those beyond, and Node's 511 is fewer than the agents
 * that may come at once; the system's own limit (net.core.somaxconn) holds as well.
 */
const WAITING_CONNECTIONS = 4_096;

const spec: CommandSpec = {
  name: "serve",
  summary: "the guard over HTTP, in front of every server of the catalog",
  usage:
    "[--listen HOST:PORT] [--tokens FILE] [--jwt-issuer URL --jwt-audience NAME\n" +
    "         --jwks URL|FILE] [--no-auth] [--host LIST] [--origin LIST] [--scope-cap LIST]\n" +
    "         [--deny-as error|result] [--record FILE] [--dir DIR]",
  options: {
    ...SERVE_OPTIONS,
    "scope-cap": { type: "string", value: "LIST", help: "scopes that anybody may use at most" },
    "deny-as": {
      type: "string",
      value: "KIND",
      help: "a refusal is an `error` (default) or a `result`",
    },
    record: { type: "string", value: "FILE", help: "append one JSON line for every decision" },
    ...DIR_OPTION,
  },
  notes: [
    "Each server of the catalog is at /mcp/<its id>: behind its url, or as a child of its command for each\n" +
      "session. GET /healthz says whether the catalog is in force; GET /metrics counts, for callers.",
    "Callers are told apart by bearer tokens (`portcullis token new`) or JSON Web Tokens; without either\n" +
      "nothing is served. --no-auth lets everybody in, and only listens on this machine. Where the\n" +
      "guard stands behind a name, say --host NAME.",
    "Prints its address when it listens; with --json as { ok, url, servers }. SIGHUP, or a change of the\n" +
      "signed files in the home, makes it verify them again, as `run` does. Ends with Ctrl-C or SIGTERM.",
  ],
  examples: ["portcullis serve", "portcullis serve --listen 0.0.0.0:8787 --host guard.example.com"],
};

async function stream(args: Arguments, io: Io): Promise<number> {
  const listen = readListen(spec, args);
  const home = guardHome(args, io);
  const auth = readAuth(spec, args, { io, home, listen });
  const denyAs = readDenyAs(spec, args.text("deny-as"));
  const cap = args.text("scope-cap");
  const origins = args.text("origin");
  const record = args.text("record");
  // WHY: before anything is printed, because whoever reads it may end the command at once
  const ended = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  const updates = new HomeUpdates(args, io);
  let store: SyncStateStore | undefined;
  let audit: RunAudit | undefined;
  let recorder: ReturnType<typeof openRecorder> | undefined;
  try {
    const catalog = await updates.open();
    recorder = record === undefined ? undefined : openRecorder(resolve(io.cwd, record));
    store = openStateOrOwn(home, io);
    audit = await RunAudit.open(home, catalog, { store, files: updates.files, io });
    const log = audit;
    const guard = createGuardHandler({
      catalog,
      auth,
      store,
      denyAs,
      audit: log.sink,
      auditMode: updates.auditMode,
      env: io.env,
      fetch: nodeFetch(),
      startCommand: childLinks(),
      allowedHosts: readHosts(spec, args, listen),
      allowedOrigins: origins === undefined ? [] : listOf(spec, "origin", origins),
      protectedPaths: ProtectedPaths.of(namesOf(home.path)),
      onTakeOver: (next) => log.useCatalog(next),
      onRecord: recorder?.write,
      onFault: (fault) => {
        void reportFault(fault).then(({ message }) => io.note(`a session has ended: ${message}`));
      },
      ...(cap !== undefined && { scopeCap: listOf(spec, "scope-cap", cap) }),
    });
    await serve(guard, { listen, ended, updates, io, isJson: args.flag("json") });
    return 0;
  } finally {
    updates.close();
    await audit?.close();
    store?.close();
    recorder?.close();
  }
}

interface Serving {
  readonly listen: Listen;
  readonly ended: Promise<unknown>;
  readonly updates: HomeUpdates;
  readonly io: Io;
  readonly isJson: boolean;
}

async function serve(guard: GuardHandler, serving: Serving): Promise<void> {
  const { listen, ended, updates, isJson, io } = serving;
  const server = createNodeServer(guard);
  const url = await listenOn(server, listen);
  const reload = new CatalogReload({
    session: {
      get catalog(): TrustedCatalog {
        return guard.currentCatalog();
      },
      replaceCatalog: (catalog) => guard.replaceCatalog(catalog),
      recordKept: (detail) => guard.recordKept(detail),
    },
    updates,
    apply: (run) => run(),
  });
  const stopUpdates = updates.begin((isAsked) => reload.request(isAsked));
  const sweep = setInterval(() => guard.dropIdle(), IDLE_SWEEP_MS);
  const servers = [...guard.currentCatalog().servers.keys()].map((id) => `${url}/mcp/${id}`);
  process.stdout.write(isJson ? `${JSON.stringify({ ok: true, url, servers })}\n` : `${url}\n`);
  io.progress(`${servers.length} servers at /mcp/<id>; Ctrl-C ends`);
  await ended;
  clearInterval(sweep);
  stopUpdates();
  reload.stop();
  guard.close();
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
}

/** @throws {GuardError} USAGE when the address cannot be had */
async function listenOn(server: Server, { host, port }: Listen): Promise<string> {
  await new Promise<void>((listening, reject) => {
    server.once("error", (cause: Error) => {
      const message = `expected to listen on ${quote(`${host}:${port}`)}, got ${cause.message}`;
      reject(new GuardError("USAGE", message, { cause }));
    });
    server.listen({ port, host, backlog: WAITING_CONNECTIONS }, listening);
  });
  const address = server.address();
  const bound = typeof address === "object" && address !== null ? address.port : port;
  return `http://${host.includes(":") ? `[${host}]` : host}:${bound}`;
}

export const serveCommand: StreamCommand = { spec, stream, givesDocuments: true };
