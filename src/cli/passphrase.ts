// Passphrases: from PORTCULLIS_KEY_PASSPHRASE, or asked for on the terminal without echo.
import process from "node:process";

import { GuardError } from "../errors.ts";
import type { Io } from "./command.ts";

const VARIABLE = "PORTCULLIS_KEY_PASSPHRASE";
const CHARACTERS_MAX = 1024;

/**
 * The passphrase of a key.
 *
 * @param what the key, for the prompt
 * @param isNew true: asked for twice, and must be the same
 * @throws {GuardError} USAGE when there is neither a variable nor a terminal, the answers differ,
 *   or the answer is empty or interrupted.
 */
export async function askPassphrase(io: Io, what: string, isNew = false): Promise<string> {
  const fromEnvironment = io.env[VARIABLE];
  if (fromEnvironment !== undefined && fromEnvironment !== "") return fromEnvironment;
  if (process.stdin.isTTY !== true) {
    throw refused(`expected a passphrase for ${what}, got none; set ${VARIABLE}`);
  }
  const first = await prompt(`passphrase for ${what}: `);
  if (isNew && (await prompt("the same once more: ")) !== first) {
    throw refused("expected the same passphrase twice, got two; start again");
  }
  return first;
}

/** Reads one line in raw mode, so that the terminal echoes nothing. */
async function prompt(question: string): Promise<string> {
  const { stdin, stderr } = process;
  // WHY: raw mode first, so that not even a hasty first character is shown
  stdin.setRawMode(true);
  stderr.write(question);
  stdin.setEncoding("utf8");
  let answer = "";
  try {
    for await (const chunk of stdin.iterator({ destroyOnReturn: false })) {
      for (const character of String(chunk)) {
        if (character === "\r" || character === "\n") return accepted(answer);
        if (character === "\u0003" || character === "\u0004") {
          throw refused("expected a passphrase, got an interrupt");
        }
        if (character === "\u007f" || character === "\b")
          answer = [...answer].slice(0, -1).join("");
        else if (character >= " ") answer += character;
        if (answer.length > CHARACTERS_MAX) throw refused("expected a shorter passphrase");
      }
    }
    throw refused("expected a passphrase, got the end of input");
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write("\n");
  }
}

function accepted(answer: string): string {
  if (answer !== "") return answer;
  throw refused("expected a passphrase, got an empty one");
}

function refused(message: string): GuardError {
  return new GuardError("USAGE", message);
}
