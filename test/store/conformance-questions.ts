// Conformance: pending questions and their answers.
import { describe, expect, it } from "vitest";
import {
  EXPIRED_RETENTION_MS,
  LIMIT_QUESTION_TEXT_BYTES,
  LIMIT_QUESTIONS_PENDING,
} from "../../src/store/limits.ts";
import type { Answer, Question } from "../../src/store/records.ts";
import { type Current, expectFault } from "./conformance.ts";
import { NOW_MS, question } from "./fixtures.ts";

export function describeQuestions(current: Current): void {
  describe("questions", () => {
    it("waits until it is answered, and the answer stays until it is fetched and removed", async () => {
      const store = current.store();
      expect(await store.putQuestion(question("q1"))).toBe(true);
      expect(await store.putQuestion(question("q1", { text: "something harmless" }))).toBe(false);
      await store.putQuestion(question("q0", { createdAtMs: NOW_MS + 1 }));
      expect(await store.listQuestions(NOW_MS)).toEqual([
        question("q1"),
        question("q0", { createdAtMs: NOW_MS + 1 }),
      ]);
      expect(await store.getAnswer("q1")).toBeUndefined();
      const answer: Answer = { choice: "lease", maxInvocations: 5, ttlMs: 60_000 };
      expect(await store.answerQuestion("q1", answer, "terminal", NOW_MS + 9)).toBe(true);
      expect((await store.listQuestions(NOW_MS + 9)).map(({ id }) => id)).toEqual(["q0"]);
      const given = { answer, channel: "terminal", answeredAtMs: NOW_MS + 9 };
      expect(await store.getAnswer("q1")).toEqual(given);
      expect(await store.removeQuestion("q1")).toBe(true);
      expect(await store.removeQuestion("q1")).toBe(false);
      expect(await store.getAnswer("q1")).toBeUndefined();
    });

    it("the first answer counts: a later yes does not lift a no", async () => {
      const store = current.store();
      await store.putQuestion(question("q"));
      expect(await store.answerQuestion("q", { choice: "deny" }, "web", NOW_MS)).toBe(true);
      expect(await store.answerQuestion("q", { choice: "session" }, "terminal", NOW_MS)).toBe(
        false,
      );
      expect((await store.getAnswer("q"))?.answer).toEqual({ choice: "deny" });
    });

    it("an answer at the expiry or later, or on another channel, is no answer", async () => {
      const store = current.store();
      await store.putQuestion(question("late"));
      await store.putQuestion(question("web", { channels: ["web"] }));
      const expiresMs = NOW_MS + 60_000;
      expect(await store.listQuestions(expiresMs)).toEqual([]);
      expect(await store.answerQuestion("late", { choice: "once" }, "web", expiresMs)).toBe(false);
      expect(await store.answerQuestion("web", { choice: "once" }, "terminal", NOW_MS)).toBe(false);
      expect(await store.answerQuestion("none", { choice: "once" }, "web", NOW_MS)).toBe(false);
      expect(await store.getAnswer("late")).toBeUndefined();
      expect(await store.answerQuestion("late", { choice: "once" }, "web", expiresMs - 1)).toBe(
        true,
      );
    });

    it.each([
      [{ choice: "yes" }],
      [{ choice: "once", extra: 1 }],
      [{ choice: "lease" }],
      [{ choice: "lease", maxInvocations: 0, ttlMs: 1 }],
      [{ choice: "lease", maxInvocations: 1, ttlMs: 0.5 }],
      [{}],
      [null],
    ])("%j is no answer", async (value) => {
      const store = current.store();
      await store.putQuestion(question("q"));
      const answer: Answer = Object.assign(Object.create(null), value);
      await expectFault(() => store.answerQuestion("q", answer, "web", NOW_MS), "ARGUMENT_INVALID");
      expect(await store.getAnswer("q")).toBeUndefined();
    });

    it.each([
      ["id", { id: "../q" }],
      ["text", { text: "" }],
      ["channels", { channels: [] }],
      ["channels", { channels: ["web", "chat"] }],
      ["expiresAtMs", { expiresAtMs: "soon" }],
    ])("a question with a wrong %s is not asked", async (member, changes) => {
      const store = current.store();
      const bad: Question = Object.assign({ ...question("q") }, changes);
      const fault = await expectFault(() => store.putQuestion(bad), "ARGUMENT_INVALID");
      expect(fault.message).toContain(member);
    });

    it(`shows ${LIMIT_QUESTION_TEXT_BYTES} bytes and not one more`, async () => {
      const store = current.store();
      const text = "é".repeat(LIMIT_QUESTION_TEXT_BYTES / 2);
      expect(await store.putQuestion(question("q", { text }))).toBe(true);
      const more = question("more", { text: `${text}.` });
      await expectFault(() => store.putQuestion(more), "ARGUMENT_INVALID");
    });

    it(`an agent that asks all day leaves at most ${LIMIT_QUESTIONS_PENDING} questions`, async () => {
      const store = current.store();
      for (let id = 0; id < LIMIT_QUESTIONS_PENDING; id++) {
        expect(await store.putQuestion(question(`q${id}`))).toBe(true);
      }
      expect(await store.putQuestion(question("one_more"))).toBe(false);
      await store.answerQuestion("q7", { choice: "deny" }, "web", NOW_MS);
      expect(await store.putQuestion(question("one_more"))).toBe(true);
      // those that have expired wait for nobody
      const laterMs = NOW_MS + 60_000;
      const late = question("late", { createdAtMs: laterMs, expiresAtMs: laterMs + 1 });
      expect(await store.putQuestion(late)).toBe(true);
    });

    it("old questions go with their answers", async () => {
      const store = current.store();
      await store.putQuestion(question("old", { expiresAtMs: NOW_MS + 1 }));
      await store.answerQuestion("old", { choice: "once" }, "web", NOW_MS);
      const createdAtMs = NOW_MS + 1 + EXPIRED_RETENTION_MS;
      const next = { createdAtMs, expiresAtMs: createdAtMs + 1 };
      await store.putQuestion(question("new", next));
      expect(await store.getAnswer("old")).toBeUndefined();
      expect(await store.putQuestion(question("old", next))).toBe(true);
    });
  });
}
