// `consent approve`, `deny` and `watch`: the first answer counts, on a channel of the question alone.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { Io } from "../../src/cli/command.ts";
import { watchQuestions } from "../../src/cli/consent-watch.ts";
import { styleFor } from "../../src/cli/style.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { GivenAnswer, Question } from "../../src/store/records.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import type { SyncStateStore } from "../../src/store/types.ts";
import { NOW_MS, question } from "../store/fixtures.ts";
import { cli, cliJson, expectFault, MAIN } from "./process.ts";
import { signedHome } from "./signed-home.ts";

let dir: string;

beforeEach(async () => {
  ({ dir } = await signedHome());
});

function withStore<T>(action: (store: SyncStateStore) => T): T {
  const store = openSqliteStore(join(dir, "state.db"));
  try {
    return action(store);
  } finally {
    store.close();
  }
}

function put(id: string, changes: Partial<Question> = {}): void {
  const nowMs = Date.now();
  const live = { createdAtMs: nowMs, expiresAtMs: nowMs + 60_000 };
  withStore((store) => store.putQuestion(question(id, { ...live, ...changes })));
}

function given(id: string): GivenAnswer | undefined {
  return withStore((store) => store.getAnswer(id));
}

describe("consent approve and deny", () => {
  it("record the answer and the channel", async () => {
    for (const id of ["q-1", "q-2", "q-3", "q-4"]) put(id);
    expect(await cliJson(["consent", "approve", "q-1", "--dir", dir])).toEqual({
      ok: true,
      id: "q-1",
      answer: { choice: "once" },
      channel: "terminal",
      server: "files",
      name: "write_file",
    });
    expect(given("q-1")).toMatchObject({ answer: { choice: "once" }, channel: "terminal" });
    await cliJson(["consent", "approve", "q-2", "--choice", "session", "--dir", dir]);
    expect(given("q-2")).toMatchObject({ answer: { choice: "session" } });
    const lease = ["--choice", "lease", "--calls", "5", "--minutes", "10"];
    const { stdout } = await cli(["consent", "approve", "q-3", ...lease, "--dir", dir]);
    expect(stdout).toBe("q-3: lease of 5 calls in 10 minutes  (files: write_file)\n");
    expect(given("q-3")?.answer).toEqual({
      choice: "lease",
      maxInvocations: 5,
      ttlMs: 600_000,
    });
    expect(await cliJson(["consent", "deny", "q-4", "--dir", dir])).toMatchObject({
      answer: { choice: "deny" },
    });
    expect(given("q-4")).toMatchObject({ answer: { choice: "deny" }, channel: "terminal" });
  });

  it("a second answer is refused, and the first one stays", async () => {
    put("q-1");
    await cliJson(["consent", "deny", "q-1", "--dir", dir]);
    const message = await expectFault(
      ["consent", "approve", "q-1", "--dir", dir],
      "ARGUMENT_INVALID",
    );
    expect(message).toContain("expected the id of a pending question");
    expect(given("q-1")).toMatchObject({ answer: { choice: "deny" } });
  });

  it("a question whose server does not allow the terminal is refused and still waits", async () => {
    put("q-1", { channels: ["web"] });
    for (const command of ["approve", "deny"]) {
      const message = await expectFault(
        ["consent", command, "q-1", "--dir", dir],
        "ARGUMENT_INVALID",
      );
      expect(message).toContain(
        "expected a question that the channel terminal may answer, got one for web; answer it there",
      );
    }
    expect(given("q-1")).toBeUndefined();
    expect(withStore((store) => store.listQuestions(Date.now()))).toHaveLength(1);
  });

  it("a question that has expired, or that nobody asked, cannot be answered", async () => {
    const nowMs = Date.now();
    put("q-1", { createdAtMs: nowMs - 60_000, expiresAtMs: nowMs - 1 });
    await expectFault(["consent", "approve", "q-1", "--dir", dir], "ARGUMENT_INVALID");
    await expectFault(["consent", "approve", "q-9", "--dir", dir], "ARGUMENT_INVALID");
    const { dir: empty } = await signedHome();
    await expectFault(["consent", "deny", "q-1", "--dir", empty], "ARGUMENT_INVALID");
  });

  it.each([
    [[]],
    [["q-1", "q-2"]],
    [["q-1", "--choice", "deny"]],
    [["q-1", "--choice", "forever"]],
    [["q-1", "--choice", "lease"]],
    [["q-1", "--choice", "lease", "--calls", "5"]],
    [["q-1", "--choice", "lease", "--calls", "101", "--minutes", "1"]],
    [["q-1", "--choice", "lease", "--calls", "1", "--minutes", "1441"]],
    [["q-1", "--calls", "5"]],
    [["q-1", "--minutes", "5"]],
  ])("approve %j is a fault, and approves nothing", async (args) => {
    put("q-1");
    await expectFault(["consent", "approve", ...args, "--dir", dir], "USAGE");
    expect(given("q-1")).toBeUndefined();
  });
});

interface Watched {
  readonly store: SyncStateStore;
  readonly printed: string[];
  readonly asked: string[];
}

/** Runs a watch on a terminal where these lines are typed, until `isDone`. */
async function watchTyping(
  questions: readonly Question[],
  lines: readonly (string | "wait")[],
  isDone: (watched: Watched) => boolean,
): Promise<Watched> {
  const watched: Watched = { store: createMemoryStore(), printed: [], asked: [] };
  for (const one of questions) watched.store.putQuestion(one);
  const typed = [...lines];
  const controller = new AbortController();
  const ask = (text: string, signal?: AbortSignal): Promise<string> => {
    watched.asked.push(text);
    const line = typed.shift() ?? "";
    if (line !== "wait") return Promise.resolve(line);
    return new Promise((resolve) => signal?.addEventListener("abort", () => resolve("")));
  };
  const io: Io = {
    ...{ env: {}, cwd: "/", style: styleFor(false, {}), ask },
    ...{ note: () => undefined, progress: () => undefined, status: () => undefined },
  };
  const timer = setInterval(() => isDone(watched) && controller.abort(), 10);
  await watchQuestions(watched.store, {
    ...{ io, isJson: false, clock: () => NOW_MS, signal: controller.signal },
    print: (text) => void watched.printed.push(text),
  });
  clearInterval(timer);
  return watched;
}

describe("consent watch", () => {
  it("asks until it gets one of the answers, and takes that one", async () => {
    const isDone = ({ store }: Watched): boolean => store.getAnswer("q") !== undefined;
    const watched = await watchTyping([question("q")], ["yes", "lease 5 10"], isDone);
    expect(watched.store.getAnswer("q")).toMatchObject({
      answer: { choice: "lease", maxInvocations: 5 },
      channel: "terminal",
    });
    expect(watched.asked).toHaveLength(2);
    expect(watched.printed[0]).toContain("server files, tool write_file (write)");
  });

  it("an empty line, or the end of input, answers nothing and is not asked again", async () => {
    const isDone = ({ store }: Watched): boolean => store.getAnswer("r") !== undefined;
    const questions = [question("q"), question("r", { createdAtMs: NOW_MS + 1 })];
    const watched = await watchTyping(questions, ["", "deny"], isDone);
    expect(watched.store.getAnswer("q")).toBeUndefined();
    expect(watched.store.getAnswer("r")).toMatchObject({ answer: { choice: "deny" } });
    expect(watched.asked).toHaveLength(2);
  });

  it("a question that is answered elsewhere is taken away while it is being asked", async () => {
    const isDone = (watched: Watched): boolean => {
      if (watched.asked.length === 1) {
        watched.store.answerQuestion("q", { choice: "deny" }, "web", NOW_MS);
      }
      return watched.printed.some((text) => text.includes("answered elsewhere"));
    };
    const watched = await watchTyping([question("q")], ["wait", "once"], isDone);
    expect(watched.store.getAnswer("q")).toMatchObject({ channel: "web" });
    expect(watched.asked).toHaveLength(1);
  });

  it("a question for another channel is shown and not asked", async () => {
    const isDone = ({ printed }: Watched): boolean => printed.length > 1;
    const watched = await watchTyping([question("q", { channels: ["web"] })], ["once"], isDone);
    expect(watched.asked).toEqual([]);
    expect(watched.printed[1]).toContain("to be answered by web, not here");
    expect(watched.store.getAnswer("q")).toBeUndefined();
  });

  it("what a terminal obeys is never printed as it is", async () => {
    const isDone = ({ printed }: Watched): boolean => printed.length > 0;
    const text = "tool \u001b[2Jx\u202e\nsecond";
    const watched = await watchTyping([question("q", { text })], [], isDone);
    expect(watched.printed[0]).toContain("<U+001B>[2Jx<U+202E>\n  second");
    for (const hidden of ["\u001b", "\u202e"]) {
      expect(watched.printed.join("")).not.toContain(hidden);
    }
  });

  it("with --json every line is a document, and Ctrl-C is a good end", async () => {
    put("q-1");
    const child = spawn(process.execPath, [MAIN, "consent", "watch", "--json", "--dir", dir]);
    const lines: string[] = [];
    let buffer = "";
    const waitFor = async (count: number): Promise<void> => {
      for (let turn = 0; lines.length < count && turn < 400; turn++) {
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
      expect(lines).toHaveLength(count);
    };
    child.stdout.on("data", (chunk: Buffer) => {
      const parts = (buffer + chunk.toString()).split("\n");
      buffer = parts.pop() ?? "";
      lines.push(...parts);
    });
    const exit = new Promise((resolve) => child.on("close", resolve));
    await waitFor(1);
    put("q-2");
    await waitFor(2);
    withStore((store) => store.answerQuestion("q-1", { choice: "once" }, "web", Date.now()));
    await waitFor(3);
    child.kill("SIGINT");
    expect(await exit).toBe(0);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      {
        ok: true,
        event: "question",
        question: { id: "q-1", server: "files", channels: ["terminal", "web"] },
      },
      { ok: true, event: "question", question: { id: "q-2" } },
      { ok: true, event: "gone", id: "q-1" },
    ]);
  });

  it("of a home that is none is a fault", async () => {
    const { code, stderr } = await cli(["consent", "watch", "--dir", join(dir, "none")]);
    expect(code).toBe(2);
    expect(stderr).toContain("(HOME_INCOMPLETE)");
  });
});
