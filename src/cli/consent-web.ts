// `portcullis consent web`: a page on this machine on which a person answers.
import { once } from "node:events";
import process from "node:process";

import { systemClock } from "../clock.ts";
import { quote } from "../errors.ts";
import { usageFault } from "./arguments.ts";
import type { Arguments, CommandSpec, Io, StreamCommand } from "./command.ts";
import { ConsentWebServer } from "./consent-web-server.ts";
import { DIR_OPTION, guardHome } from "./home.ts";
import { openState } from "./state-db.ts";

const PORT_MAX = 65_535;

const spec: CommandSpec = {
  name: "consent web",
  summary: "a page on this machine to answer questions on",
  usage: "[--port N] [--dir DIR]",
  options: {
    port: { type: "string", value: "N", help: "port on 127.0.0.1; default: any that is free" },
    ...DIR_OPTION,
  },
  notes: [
    "Prints a link that works once, for ten minutes: whoever opens it may answer, so keep it to\n" +
      "yourself. With --json the link is { ok, url }. Ends with Ctrl-C.",
  ],
  examples: ["portcullis consent web"],
};

async function stream(args: Arguments, io: Io): Promise<number> {
  const port = readPort(args.text("port"));
  const store = openState(guardHome(args, io));
  const server = new ConsentWebServer(store, systemClock);
  // WHY: before the link is printed, because whoever reads it may end the command at once
  const ended = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
  try {
    const url = await server.listen(port);
    const line = args.flag("json") ? JSON.stringify({ ok: true, url }) : url;
    process.stdout.write(`${line}\n`);
    io.progress("open the link in a browser; Ctrl-C ends");
    await ended;
    return 0;
  } finally {
    await server.close();
    store.close();
  }
}

function readPort(text: string | undefined): number {
  if (text === undefined) return 0;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= PORT_MAX) return port;
  throw usageFault(spec, `--port from 0 to ${PORT_MAX}`, quote(text));
}

export const consentWebCommand: StreamCommand = { spec, stream, givesDocuments: true };
