// Pending questions in `state.db`.
import { LIMIT_QUESTIONS_PENDING } from "./limits.ts";
import { assertArgument, GIVEN_ANSWER, isTimeMs, QUESTION, readRecord } from "./shapes.ts";
import type { SqlTables } from "./sql-tables.ts";
import { purge } from "./sqlite-grants.ts";
import { answerOf, integerOf, questionOf } from "./sqlite-rows.ts";
import type { QuestionOperations } from "./types.ts";

const WAITING = "answer IS NULL AND expires_ms > ?";

export function sqliteQuestions(database: SqlTables): QuestionOperations {
  return {
    putQuestion: (given) => {
      const question = readRecord(QUESTION, given, "ARGUMENT_INVALID");
      return database.transaction(() => {
        purge(database, "questions", question.createdAtMs);
        const [row] = database.all(
          `SELECT count(*) AS waiting FROM questions WHERE ${WAITING}`,
          question.createdAtMs,
        );
        if (integerOf(row?.["waiting"]) >= LIMIT_QUESTIONS_PENDING) return false;
        const inserted = database.run(
          `INSERT OR IGNORE INTO questions (id, principal, server, session, kind, item, text,
            channels, created_ms, expires_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
          question.id,
          question.principalHash,
          question.serverId,
          question.sessionHash,
          question.kind,
          question.itemName,
          question.text,
          JSON.stringify(question.channels),
          question.createdAtMs,
          question.expiresAtMs,
        );
        return inserted === 1;
      });
    },
    listQuestions: (nowMs) => {
      assertArgument("a time in ms", isTimeMs, nowMs);
      const sql = `SELECT * FROM questions WHERE ${WAITING} ORDER BY created_ms, id`;
      return database.rows(questionOf, sql, nowMs);
    },
    answerQuestion: (id, answer, channel, nowMs) => {
      const given = { answer, channel, answeredAtMs: nowMs };
      const kept = readRecord(GIVEN_ANSWER, given, "ARGUMENT_INVALID");
      const [question] = database.rows(questionOf, "SELECT * FROM questions WHERE id = ?", id);
      if (question?.channels.includes(kept.channel) !== true) return false;
      // one statement decides who was first; the rest of a question never changes
      const updated = database.run(
        `UPDATE questions SET answer = ?, answer_channel = ?, answered_ms = ?
          WHERE id = ? AND ${WAITING}`,
        JSON.stringify(kept.answer),
        kept.channel,
        kept.answeredAtMs,
        id,
        kept.answeredAtMs,
      );
      return updated === 1;
    },
    getAnswer: (id) => {
      const sql = "SELECT answer, answer_channel, answered_ms FROM questions WHERE id = ?";
      return database.rows(answerOf, sql, id)[0];
    },
    removeQuestion: (id) => database.run("DELETE FROM questions WHERE id = ?", id) === 1,
  };
}
