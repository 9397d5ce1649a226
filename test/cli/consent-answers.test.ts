// What a person types, and what counts as an answer.
import { describe, expect, it } from "vitest";
import { answerText, leaseAnswer, typedAnswer } from "../../src/cli/consent-answers.ts";

describe("typed answers", () => {
  it("are the four words, with both numbers for a lease", () => {
    expect(typedAnswer(" Deny ")).toEqual({ choice: "deny" });
    expect(typedAnswer("once")).toEqual({ choice: "once" });
    expect(typedAnswer("session")).toEqual({ choice: "session" });
    const lease = { choice: "lease", maxInvocations: 5, ttlMs: 600_000 };
    expect(typedAnswer("lease 5 10")).toEqual(lease);
    expect(typedAnswer("lease 100 1440")).toMatchObject({ maxInvocations: 100 });
  });

  it.each([
    ...["", "y", "yes", "allow", "once more", "deny no", "o", "onc", "once\u200b", "__proto__"],
    ...[
      "lease",
      "lease 5",
      "lease 5 10 1",
      "lease 0 10",
      "lease 5 0",
      "lease -1 10",
      "lease 1.5 1",
    ],
    ...["lease 101 10", "lease 5 1441", "lease 1e1 10", "lease 0x5 10", "lease 5 NaN", "lease ٣ ٣"],
  ])("%j is no answer", (line) => {
    expect(typedAnswer(line)).toBeUndefined();
  });

  it("a lease is bounded in calls and minutes, at the limit and one above", () => {
    expect(leaseAnswer(100, 1440)).toMatchObject({ maxInvocations: 100, ttlMs: 86_400_000 });
    for (const [calls, minutes] of [
      [101, 1],
      [1, 1441],
      [0, 1],
      [1, 0],
      [1.5, 1],
      [Number.NaN, 1],
      ["5", 10],
      [undefined, 10],
    ]) {
      expect(leaseAnswer(calls, minutes)).toBeUndefined();
    }
  });

  it("are told back in a few words", () => {
    expect(answerText({ choice: "once" })).toBe("once");
    expect(answerText({ choice: "lease", maxInvocations: 5, ttlMs: 600_000 })).toBe(
      "lease of 5 calls in 10 minutes",
    );
  });
});
