// `portcullis consent approve`: answers a pending question from another terminal.
import { systemClock } from "../clock.ts";
import { GuardError } from "../errors.ts";
import { LIMIT_CONSENT_CALLS, LIMIT_CONSENT_MINUTES } from "../guard/consent-answer.ts";
import type { Answer } from "../store/records.ts";
import { usageFault } from "./arguments.ts";
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import {
  answerText,
  findQuestion,
  giveAnswer,
  leaseAnswer,
  typedCount,
} from "./consent-answers.ts";
import { DIR_OPTION } from "./home.ts";
import { withStateIfAny } from "./state-db.ts";
import { visible } from "./style.ts";

const spec: CommandSpec = {
  name: "consent approve",
  summary: "approve a pending question",
  usage: "ID [--choice once|session|lease] [--calls N --minutes M] [--dir DIR]",
  options: {
    choice: { type: "string", value: "CHOICE", help: "once, session or lease; default once" },
    calls: { type: "string", value: "N", help: "with lease: how many calls, 1 to 100" },
    minutes: { type: "string", value: "M", help: "with lease: for how long, 1 to 1440" },
    ...DIR_OPTION,
  },
  positionals: "ID",
  notes: [
    "Read the question first: `portcullis consent list --json`, or `portcullis consent watch`. A server\n" +
      "whose `consent_channels` lack `terminal` takes no answer from here.",
  ],
  examples: [
    "portcullis consent approve 3f2a9c01",
    "portcullis consent approve 3f2a9c01 --choice lease --calls 5 --minutes 10",
  ],
};

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  return answered(spec, args, io, readAnswer(args));
}

/** Answers the question that a command line names. Shared by `approve` and `deny`. */
export function answered(own: CommandSpec, args: Arguments, io: Io, answer: Answer): CommandResult {
  const [typed, ...others] = args.positionals;
  if (typed === undefined || others.length > 0) {
    throw usageFault(own, "one ID", `${args.positionals.length}`);
  }
  return withStateIfAny(args, io, (store) => {
    if (store === undefined) {
      throw new GuardError("ARGUMENT_INVALID", "expected a pending question, got none");
    }
    const nowMs = systemClock();
    const question = findQuestion(store, typed, nowMs);
    giveAnswer(store, question, { answer, channel: "terminal" }, nowMs);
    const { id, serverId, itemName } = question;
    return {
      exitCode: 0,
      json: { id, answer, channel: "terminal", server: serverId, name: itemName },
      text: `${id}: ${answerText(answer)}  (${serverId}: ${visible(itemName)})`,
    };
  });
}

/** @throws {GuardError} USAGE for another choice, or numbers that are missing or out of range */
function readAnswer(args: Arguments): Answer {
  const choice = args.text("choice") ?? "once";
  const calls = args.text("calls");
  const minutes = args.text("minutes");
  if (choice === "lease") {
    const answer = leaseAnswer(typedCount(calls), typedCount(minutes));
    if (answer !== undefined) return answer;
    const expected = `--calls from 1 to ${LIMIT_CONSENT_CALLS} and --minutes from 1 to ${LIMIT_CONSENT_MINUTES}`;
    throw usageFault(spec, expected, "others");
  }
  if (calls !== undefined || minutes !== undefined) {
    throw usageFault(spec, "--calls and --minutes with --choice lease alone", "another choice");
  }
  if (choice === "once" || choice === "session") return { choice };
  throw usageFault(spec, "--choice once, session or lease", "another");
}

export const consentApproveCommand: ReportCommand = { spec, run };
