// The question before a found catalog's command is started.
import { describe, expect, it } from "vitest";

import type { Io } from "../../src/cli/command.ts";
import type { Home } from "../../src/cli/home.ts";
import { confirmStart } from "../../src/cli/start-server.ts";
import { styleFor } from "../../src/cli/style.ts";
import { expectRejection } from "../fixtures/trust.ts";

const FOUND: Home = { path: "/src/clone/.portcullis", isFound: true, exists: true };
const OWN: Home = { path: "/home/alice/.config/portcullis", isFound: false, exists: true };
const SERVER = {
  id: "files",
  command: ["sh", "-c", "echo\u001b[2J"],
  env: ["AWS_SECRET_ACCESS_KEY"],
  allow: ["tools"],
} as const;
const NOBODY = { isTyped: false, isGiven: false };

interface Heard {
  readonly io: Io;
  readonly notes: string[];
  readonly questions: string[];
}

function terminal(answer: string | undefined): Heard {
  const notes: string[] = [];
  const questions: string[] = [];
  const ask = async (question: string): Promise<string> => {
    questions.push(question);
    return answer ?? "";
  };
  const io: Io = {
    env: {},
    cwd: "/",
    style: styleFor(false, {}),
    note: (line) => notes.push(line),
    progress: () => undefined,
    status: () => undefined,
    ask: answer === undefined ? undefined : ask,
  };
  return { io, notes, questions };
}

describe("confirmStart", () => {
  it("shows the command and the variables before it asks, with nothing hidden", async () => {
    const heard = terminal("y");
    await confirmStart(SERVER, FOUND, NOBODY, heard.io);
    expect(heard.questions).toEqual(["start it? [y/N] "]);
    expect(heard.notes).toEqual([
      "files is started with: sh -c echo<U+001B>[2J, which may see AWS_SECRET_ACCESS_KEY (from " +
        "/src/clone/.portcullis, found above the current folder)",
    ]);
  });

  it.each(["y", "Y", "yes", " YES \r"])("takes %j for a yes", async (answer) => {
    await confirmStart(SERVER, FOUND, NOBODY, terminal(answer).io);
  });

  it.each(["", "n", "no", "yn", "yess", "ja", "y y"])("takes %j for a no", async (answer) => {
    await expectRejection(confirmStart(SERVER, FOUND, NOBODY, terminal(answer).io), "USAGE");
  });

  it("without a terminal refuses, and names --yes", async () => {
    const heard = terminal(undefined);
    const fault = await expectRejection(confirmStart(SERVER, FOUND, NOBODY, heard.io), "USAGE");
    expect(fault.message).toContain("--yes");
    expect(heard.notes).toHaveLength(1);
  });

  it("asks nothing for the home of this user, for --yes, and for a typed command", async () => {
    for (const [home, consent] of [
      [OWN, NOBODY],
      [FOUND, { isTyped: false, isGiven: true }],
      [FOUND, { isTyped: true, isGiven: false }],
    ] as const) {
      const heard = terminal("n");
      await confirmStart(SERVER, home, consent, heard.io);
      expect(heard.questions).toEqual([]);
    }
  });
});
