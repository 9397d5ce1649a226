// `portcullis run`: the stdio guard. Standard output belongs to the protocol.
import { closeSync, openSync, writeSync } from "node:fs";
import { resolve } from "node:path";

import { randomUuid, systemClock } from "../clock.ts";
import { quote } from "../errors.ts";
import { PRINCIPAL_DEFAULT } from "../guard/unenforced-layers.ts";
import type { GuardRecord } from "../proxy/records.ts";
import { runStdioGuard } from "../proxy/stdio-run.ts";
import { listOf, requiredText, usageFault } from "./arguments.ts";
import type { Arguments, CommandSpec, Io, StreamCommand } from "./command.ts";
import { ioFault, MODE_PRIVATE_FILE } from "./files.ts";
import { DIR_OPTION, guardHome } from "./home.ts";
import { openHome } from "./trust-files.ts";

const spec: CommandSpec = {
  name: "run",
  summary: "the guard in front of a stdio server",
  usage:
    "--server ID [--principal P] [--session S] [--scope-cap LIST] [--deny-as error|result]\n" +
    "         [--record FILE] [--dir DIR] [-- CMD ARGS...]",
  options: {
    server: { type: "string", value: "ID", help: "server id of the catalog" },
    principal: { type: "string", value: "P", help: "who calls; default local" },
    session: { type: "string", value: "S", help: "names the session in the records" },
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
  ],
  examples: [
    "portcullis run --server filesystem",
    "portcullis run --server filesystem --scope-cap fs.read",
  ],
};

async function stream(args: Arguments, io: Io): Promise<number> {
  const serverId = requiredText(spec, args, "server");
  const denyAs = readDenyAs(args.text("deny-as"));
  const cap = args.text("scope-cap");
  const principal = args.text("principal") ?? PRINCIPAL_DEFAULT;
  if (principal === "") throw usageFault(spec, "a principal", "an empty name");
  const { catalog } = await openHome(guardHome(args, io), { remembers: true });
  const record = args.text("record");
  const recorder =
    record === undefined
      ? undefined
      : openRecorder(resolve(io.cwd, record), {
          principal,
          session: args.text("session") ?? io.env["PORTCULLIS_SESSION"] ?? randomUuid(),
        });
  try {
    return await runStdioGuard({
      catalog,
      serverId,
      principal,
      denyAs,
      ...(args.command === undefined ? {} : { command: args.command }),
      ...(cap === undefined ? {} : { scopeCap: listOf(spec, "scope-cap", cap) }),
      ...(recorder === undefined ? {} : { onRecord: recorder.write }),
    });
  } finally {
    recorder?.close();
  }
}

interface Recorder {
  readonly write: (record: GuardRecord) => void;
  readonly close: () => void;
}

/**
 * Appends records to a file of this user, one JSON text a line, each in one write.
 *
 * @throws {GuardError} FILE_UNREADABLE when the file cannot be opened.
 */
function openRecorder(
  file: string,
  who: { readonly principal: string; readonly session: string },
): Recorder {
  let handle: number;
  try {
    handle = openSync(file, "a", MODE_PRIVATE_FILE);
  } catch (cause) {
    throw ioFault("expected to append to the file", file, cause);
  }
  return {
    write: (record) => {
      const time = new Date(systemClock()).toISOString();
      writeSync(handle, `${JSON.stringify({ time, ...who, ...record })}\n`);
    },
    close: () => closeSync(handle),
  };
}

function readDenyAs(text: string | undefined): "error" | "result" {
  if (text === undefined || text === "error") return "error";
  if (text === "result") return text;
  throw usageFault(spec, "--deny-as error or result", quote(text));
}

export const runCommand: StreamCommand = { spec, stream };
