// Before a server of a catalog is started: said on a terminal, and asked when the catalog came with
// a folder.
import { GuardError, quote } from "../errors.ts";
import type { Io } from "./command.ts";
import type { Home } from "./home.ts";
import type { LiveCommand } from "./live-server.ts";
import { visible } from "./style.ts";

/** Where the consent to start a command comes from. */
export interface StartConsent {
  /** The command is on the command line itself. */
  readonly isTyped: boolean;
  /** `--yes`. */
  readonly isGiven: boolean;
}

/**
 * Says which command is about to run. A `.portcullis` that was found above the current folder may
 * have come with a repository, and so its commands: they run when somebody says so, and not
 * otherwise.
 *
 * @throws {GuardError} USAGE when nobody says so.
 */
export async function confirmStart(
  server: LiveCommand,
  home: Home,
  consent: StartConsent,
  io: Io,
): Promise<void> {
  const { url, headerEnv } = server;
  const command = visible(url ?? server.command.join(" "));
  if (!home.isFound) {
    io.progress(`${url === undefined ? "starting" : "asking"} ${server.id}: ${command}`);
    return;
  }
  const names = [...server.env, ...(headerEnv?.values() ?? [])];
  const env = names.length === 0 ? "" : `, which may see ${visible(names.join(", "))}`;
  const from = `from ${home.path}, found above the current folder`;
  const how = url === undefined ? "started with" : "reached at";
  io.note(`${server.id} is ${how}: ${command}${env} (${from})`);
  if (consent.isTyped || consent.isGiven) return;
  const answer = await io.ask?.("start it? [y/N] ");
  if (answer !== undefined && /^\s*y(?:es)?\s*$/i.test(answer)) return;
  const got = answer === undefined ? "no terminal to ask on" : "another answer";
  const message = `expected a yes to start ${quote(server.id)}, got ${got}`;
  throw new GuardError("USAGE", `${message}; look at its command, then give --yes, or use --dir`);
}
