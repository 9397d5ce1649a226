// `portcullis consent watch`: shows pending questions as they come, and takes the answers.
import { once } from "node:events";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";

import { type Clock, systemClock } from "../clock.ts";
import { GuardError } from "../errors.ts";
import type { Question } from "../store/records.ts";
import type { SyncStateStore } from "../store/types.ts";
import type { Arguments, CommandSpec, Io, StreamCommand } from "./command.ts";
import { questionJson } from "./consent.ts";
import { ANSWER_WORDS, answerText, giveAnswer, typedAnswer } from "./consent-answers.ts";
import { DIR_OPTION, guardHome } from "./home.ts";
import { openState, timeText } from "./state-db.ts";
import { visible } from "./style.ts";

/** Milliseconds between two looks at the store. */
const POLL_MS = 250;

const spec: CommandSpec = {
  name: "consent watch",
  summary: "show pending questions as they come, and answer them",
  usage: "[--dir DIR]",
  options: DIR_OPTION,
  notes: [
    `On a terminal each question is asked: ${ANSWER_WORDS}; an empty line leaves it.\n` +
      "Elsewhere questions are shown and not asked; answer with `consent approve` or `consent deny`.",
    'With --json every line is one document: { ok, event: "question", question } for one that came,\n' +
      '{ ok, event: "gone", id } for one that was answered or has expired. Ends with Ctrl-C.',
  ],
  examples: ["portcullis consent watch"],
};

/** Where a watch shows things, and how it ends. */
export interface WatchSurface {
  readonly io: Io;
  readonly isJson: boolean;
  readonly clock: Clock;
  readonly print: (text: string) => void;
  /** Aborted: the watch ends. */
  readonly signal: AbortSignal;
}

/** Shows and asks until the signal is aborted. */
export async function watchQuestions(store: SyncStateStore, surface: WatchSurface): Promise<void> {
  const { isJson, clock, print, signal } = surface;
  const shown = new Set<string>();
  while (!signal.aborted) {
    const pending = store.listQuestions(clock());
    const ids = new Set(pending.map(({ id }) => id));
    for (const id of shown) {
      if (ids.has(id)) continue;
      shown.delete(id);
      if (isJson) print(JSON.stringify({ ok: true, event: "gone", id }));
    }
    for (const question of pending) {
      if (signal.aborted) return;
      if (shown.has(question.id)) continue;
      shown.add(question.id);
      if (isJson)
        print(JSON.stringify({ ok: true, event: "question", question: questionJson(question) }));
      else await showQuestion(store, question, surface);
    }
    await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
  }
}

async function showQuestion(
  store: SyncStateStore,
  question: Question,
  surface: WatchSurface,
): Promise<void> {
  const { io, print } = surface;
  const { style } = io;
  const { id, channels, expiresAtMs, text } = question;
  // WHY: the text came through a file that other programs may write
  const lines = text.split("\n").map((line) => `  ${visible(line)}`);
  print(
    ["", `${style.yellow(style.bold(id))}  until ${timeText(expiresAtMs)}`, ...lines].join("\n"),
  );
  if (!channels.includes("terminal")) {
    print(style.dim(`  to be answered by ${channels.join(" or ")}, not here`));
    return;
  }
  if (io.ask === undefined) {
    print(style.dim(`  portcullis consent approve ${id}    portcullis consent deny ${id}`));
    return;
  }
  await askQuestion(store, question, surface, io.ask);
}

/** Asks until there is an answer, the question is gone, or nobody wants to answer it. */
async function askQuestion(
  store: SyncStateStore,
  question: Question,
  surface: WatchSurface,
  ask: NonNullable<Io["ask"]>,
): Promise<void> {
  const { clock, print, signal, io } = surface;
  const { id } = question;
  for (;;) {
    const gone = new AbortController();
    const either = AbortSignal.any([signal, gone.signal]);
    const look = setInterval(() => {
      if (!store.listQuestions(clock()).some((pending) => pending.id === id)) gone.abort();
    }, POLL_MS);
    const line = await ask(`${ANSWER_WORDS} > `, either).finally(() => clearInterval(look));
    if (gone.signal.aborted) return print(io.style.dim("  answered elsewhere, or expired"));
    if (signal.aborted || line.trim() === "") return;
    const answer = typedAnswer(line);
    if (answer === undefined) {
      print(`  expected ${ANSWER_WORDS}`);
      continue;
    }
    try {
      giveAnswer(store, question, { answer, channel: "terminal" }, clock());
      print(`  ${answerText(answer)}`);
    } catch (fault) {
      if (!(fault instanceof GuardError)) throw fault;
      print(`  ${fault.message}`);
    }
    return;
  }
}

async function stream(args: Arguments, io: Io): Promise<number> {
  const store = openState(guardHome(args, io));
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  process.once("SIGINT", stop).once("SIGTERM", stop);
  const isJson = args.flag("json");
  try {
    if (!isJson) io.progress("waiting for questions; Ctrl-C ends");
    const write = (text: string): boolean => process.stdout.write(`${text}\n`);
    const surface = { io, isJson, clock: systemClock, signal: controller.signal };
    const isGone = once(process.stdout, "error", { signal: controller.signal });
    isGone.then(stop, () => undefined);
    await watchQuestions(store, { ...surface, print: (text) => void write(text) });
    return 0;
  } finally {
    store.close();
    process.off("SIGINT", stop).off("SIGTERM", stop);
  }
}

export const consentWatchCommand: StreamCommand = { spec, stream, givesDocuments: true };
