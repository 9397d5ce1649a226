// `portcullis token new`: a bearer token in a file, its digest in the home.
import { resolve } from "node:path";

import { toHex, utf8 } from "../bytes.ts";
import { randomBytes, systemClock } from "../clock.ts";
import { quote } from "../errors.ts";
import { sha256 } from "../kernel/digest.ts";
import { requiredText, usageFault } from "./arguments.ts";
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import { durationSeconds } from "./duration.ts";
import { MODE_PRIVATE_FILE, writeNewFile } from "./files.ts";
import { assertHomeExists, DIR_OPTION, guardHome } from "./home.ts";
import { addToken, isoSeconds, tokenFile } from "./token-file.ts";

const TOKEN_SIZE_BYTES = 32;
const TTL_DEFAULT = "90d";
/** A year: a token that nobody remembers does not hold for ever. */
const TTL_SECONDS_MAX = 366 * 86_400;

const spec: CommandSpec = {
  name: "token new",
  summary: "make a bearer token for a caller of `serve`",
  usage: "--principal P --out FILE [--ttl 90d] [--dir DIR]",
  options: {
    principal: { type: "string", value: "P", help: "who the token makes its bearer" },
    out: { type: "string", value: "FILE", help: "where the token goes; nothing is overwritten" },
    ttl: { type: "string", value: "TIME", help: "how long it holds: 30m, 8h, 90d; default 90d" },
    ...DIR_OPTION,
  },
  notes: [
    "The token is in FILE alone (mode 0600) and is never printed; its SHA-256 and the principal are added\n" +
      "to `tokens` of the home. Take the line out of `tokens` to take the token back, and restart `serve`.",
  ],
  examples: ["portcullis token new --principal agent:ci --out ci.token"],
};

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  const home = guardHome(args, io);
  assertHomeExists(home);
  const principal = requiredText(spec, args, "principal");
  if (!/^\S{1,512}$/.test(principal)) {
    throw usageFault(spec, "a principal without white space", quote(principal));
  }
  const file = resolve(io.cwd, requiredText(spec, args, "out"));
  const seconds = durationSeconds(spec, "ttl", args.text("ttl") ?? TTL_DEFAULT, TTL_SECONDS_MAX);
  const expiresAtMs = systemClock() + seconds * 1_000;
  const token = toHex(randomBytes(TOKEN_SIZE_BYTES));
  writeNewFile(file, `${token}\n`, MODE_PRIVATE_FILE);
  addToken(tokenFile(home.path), { sha256: toHex(sha256(utf8(token))), principal, expiresAtMs });
  const expires = isoSeconds(expiresAtMs);
  return {
    exitCode: 0,
    json: { principal, token: file, expires },
    text: [`principal  ${principal}`, `token      ${file}`, `expires    ${expires}`].join("\n"),
  };
}

export const tokenNewCommand: ReportCommand = { spec, run };
