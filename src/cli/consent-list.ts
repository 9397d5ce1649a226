// `portcullis consent list`: questions that wait, and approvals that can still be used.
import { systemClock } from "../clock.ts";
import type { Arguments, CommandResult, CommandSpec, Io, ReportCommand } from "./command.ts";
import { consentJson, consentRow, questionJson, questionRow } from "./consent.ts";
import { DIR_OPTION } from "./home.ts";
import { withStateIfAny } from "./state-db.ts";
import { columns } from "./style.ts";

const spec: CommandSpec = {
  name: "consent list",
  summary: "pending questions, and approvals that can still be used",
  usage: "[--dir DIR]",
  options: DIR_OPTION,
  notes: ["An approval for one call is gone once it was used. Expired ones stay for a day."],
  examples: ["portcullis consent list"],
};

async function run(args: Arguments, io: Io): Promise<CommandResult> {
  const nowMs = systemClock();
  const { questions, consents } = withStateIfAny(args, io, (store) => ({
    questions: store?.listQuestions(nowMs) ?? [],
    consents: store?.listConsents() ?? [],
  }));
  const lines = [
    ...columns(questions.map((question) => questionRow(question, io.style))),
    ...columns(consents.map((consent) => consentRow(consent, nowMs, io.style))),
  ];
  return {
    exitCode: 0,
    json: {
      questions: questions.map(questionJson),
      consents: consents.map((consent) => consentJson(consent, nowMs)),
    },
    text: lines.length === 0 ? "no questions and no approvals" : lines.join("\n"),
  };
}

export const consentListCommand: ReportCommand = { spec, run };
