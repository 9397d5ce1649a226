// Pending questions in memory.
import { LIMIT_QUESTIONS_PENDING } from "./limits.ts";
import { purgeSome } from "./memory-purge.ts";
import { compareOldest, purgeBeforeMs } from "./order.ts";
import type { GivenAnswer, Question } from "./records.ts";
import { assertArgument, GIVEN_ANSWER, isTimeMs, QUESTION, readRecord } from "./shapes.ts";
import type { QuestionOperations } from "./types.ts";

export function memoryQuestions(): QuestionOperations {
  const questions = new Map<string, Question>();
  const answers = new Map<string, GivenAnswer>();
  const waiting = (nowMs: number): Question[] =>
    [...questions.values()].filter(
      ({ id, expiresAtMs }) => nowMs < expiresAtMs && !answers.has(id),
    );
  return {
    putQuestion: (question) => {
      const kept = readRecord(QUESTION, question, "ARGUMENT_INVALID");
      const before = purgeBeforeMs(kept.createdAtMs);
      purgeSome(
        questions,
        ({ expiresAtMs }) => expiresAtMs <= before,
        (id) => answers.delete(id),
      );
      if (questions.has(kept.id)) return false;
      if (waiting(kept.createdAtMs).length >= LIMIT_QUESTIONS_PENDING) return false;
      questions.set(kept.id, kept);
      return true;
    },
    listQuestions: (nowMs) => {
      assertArgument("a time in ms", isTimeMs, nowMs);
      return waiting(nowMs).sort(compareOldest);
    },
    answerQuestion: (id, answer, channel, nowMs) => {
      const given = readRecord(
        GIVEN_ANSWER,
        { answer, channel, answeredAtMs: nowMs },
        "ARGUMENT_INVALID",
      );
      const question = waiting(nowMs).find((one) => one.id === id);
      if (question === undefined || !question.channels.includes(channel)) return false;
      answers.set(id, given);
      return true;
    },
    getAnswer: (id) => answers.get(id),
    removeQuestion: (id) => {
      answers.delete(id);
      return questions.delete(id);
    },
  };
}
