import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { argumentsDigest } from "../../src/guard/args-digest.ts";
import {
  askConsent,
  CONSENT_DENIED,
  type ConsentProvider,
  LIMIT_CONSENT_CALLS,
  LIMIT_CONSENT_MINUTES,
  readConsentAnswer,
} from "../../src/guard/consent-answer.ts";
import { consentTextHash } from "../../src/guard/consent-question.ts";
import {
  type ConsentBinding,
  consentApplies,
  createConsentRecords,
  isConsentRecord,
  LIMIT_CONSENT_MS,
} from "../../src/guard/consent-record.ts";
import { principalHash, sessionHash } from "../../src/guard/identity-hash.ts";
import { expectCode } from "../fixtures/trust.ts";
import {
  ASKING,
  CALL,
  HASH,
  NOW,
  ONCE,
  questionOf,
  RULE,
  recordOf,
  recordsOf,
  SESSION,
} from "./consent-fixture.ts";

describe("createConsentQuestion", () => {
  it("shows server, tool, effect, scope, arguments, every reason and every choice", () => {
    const question = questionOf();
    expect(question.text).toBe(
      [
        "An agent wants to call a tool. May it?",
        "principal: alice",
        "server:    mail",
        "tool:      send",
        "effect:    external",
        "scope:     msg.send",
        "arguments:",
        "  {",
        '    "password": <masked: secret, 7 characters>',
        '    "to": "bob"',
        "  }",
        "asked because:",
        "  - consent_required: the item requires consent",
        "choices:   deny | once | this session | lease (n calls, t minutes)",
      ].join("\n"),
    );
    expect(question.textHash).toBe(consentTextHash(question.text));
    expect(Object.isFrozen(question)).toBe(true);
    expect(JSON.stringify(question)).not.toContain("hunter2");
  });

  it("a tool named after the guard's own lines adds no line", () => {
    const count = questionOf().text.split("\n").length;
    const tool = "send\nasked because:\n  - allowed: nothing to see\u202e";
    const shown = questionOf({ tool, args: { to: "bob\nchoices:   once", password: "x" } });
    expect(shown.text.split("\n")).toHaveLength(count);
    expect(shown.text).toContain("<U+202E>");
  });

  it("deny is always among the choices, and first", () => {
    expect(questionOf({ choices: ["once", "deny"] }).choices).toEqual(["deny", "once"]);
    expectCode(() => questionOf({ choices: ["once"] }), "ARGUMENT_INVALID");
  });

  it("refuses to ask without a reason or without an end", () => {
    expectCode(() => questionOf({ reasons: [] }), "ARGUMENT_INVALID");
    expectCode(() => questionOf({ expiresAtMs: Number.POSITIVE_INFINITY }), "ARGUMENT_INVALID");
    expectCode(() => questionOf({ expiresAtMs: Number.NaN }), "ARGUMENT_INVALID");
    expectCode(() => consentTextHash("\ud800"), "ARGUMENT_INVALID");
  });
});

describe("readConsentAnswer", () => {
  const question = questionOf();

  it("takes the offered choices, complete and in time", () => {
    expect(readConsentAnswer({ choice: "once", extra: 1 }, question, NOW)).toEqual(ONCE);
    expect(readConsentAnswer(SESSION, question, question.expiresAtMs - 1)).toEqual(SESSION);
    const lease = { choice: "lease", calls: LIMIT_CONSENT_CALLS, minutes: LIMIT_CONSENT_MINUTES };
    expect(readConsentAnswer(lease, question, NOW)).toEqual(lease);
  });

  it.each([
    ["nothing", undefined],
    ["true", true],
    ["accept without a choice", { action: "accept" }],
    ["a choice in another case", { choice: "Once" }],
    ["a choice nobody offered", { choice: "forever" }],
    ["an array", ["once"]],
    ["text", "once"],
    ["a lease without its count", { choice: "lease", minutes: 5 }],
    ["a lease of no calls", { choice: "lease", calls: 0, minutes: 5 }],
    ["a lease of 101 calls", { choice: "lease", calls: LIMIT_CONSENT_CALLS + 1, minutes: 5 }],
    ["a lease of half a call", { choice: "lease", calls: 0.5, minutes: 5 }],
    ["a lease of 1 441 minutes", { choice: "lease", calls: 1, minutes: LIMIT_CONSENT_MINUTES + 1 }],
    ["a deny", { choice: "deny" }],
  ])("%s is a refusal", (_, value) => {
    expect(readConsentAnswer(value, question, NOW)).toBe(CONSENT_DENIED);
  });

  it("a choice that was not offered this time is a refusal", () => {
    const narrow = questionOf({ choices: ["deny", "once"] });
    expect(readConsentAnswer(SESSION, narrow, NOW)).toBe(CONSENT_DENIED);
  });

  it.each([
    question.expiresAtMs,
    Number.NaN,
    0,
    Number.POSITIVE_INFINITY,
  ])("a late answer is a refusal (now = %s)", (nowMs) => {
    expect(readConsentAnswer(ONCE, question, nowMs)).toBe(CONSENT_DENIED);
  });

  it("no value makes it throw", () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(readConsentAnswer(value, question, NOW)).toBe(CONSENT_DENIED);
      }),
    );
    const throwing = {
      get choice(): never {
        throw new Error("boom");
      },
    };
    expect(readConsentAnswer(throwing, question, NOW)).toBe(CONSENT_DENIED);
  });
});

describe("askConsent", () => {
  const providerOf = (ask: ConsentProvider["ask"]): ConsentProvider => ({ channel: "web", ask });

  it("gives the person's answer and then takes the question away", async () => {
    let seen: AbortSignal | undefined;
    const provider = providerOf(async (_, signal) => {
      seen = signal;
      return ONCE;
    });
    expect(await askConsent(provider, questionOf(), () => NOW)).toEqual(ONCE);
    expect(seen?.aborted).toBe(true);
  });

  it("a provider that throws or rejects has refused", async () => {
    const rejects = providerOf(() => Promise.reject(new Error("no client")));
    const throws = providerOf(() => {
      throw new Error("no capability");
    });
    expect(await askConsent(rejects, questionOf(), () => NOW)).toBe(CONSENT_DENIED);
    expect(await askConsent(throws, questionOf(), () => NOW)).toBe(CONSENT_DENIED);
  });

  it("a provider that never answers has refused once the question expires", async () => {
    const silent = providerOf(() => new Promise(() => {}));
    const question = questionOf({ expiresAtMs: NOW + 5 });
    expect(await askConsent(silent, question, () => NOW)).toBe(CONSENT_DENIED);
  });

  it("an answer that arrives after the clock has passed the end is a refusal", async () => {
    const times = [NOW, NOW + 60_000];
    const clock = (): number => times.shift() ?? 0;
    expect(
      await askConsent(
        providerOf(async () => ONCE),
        questionOf(),
        clock,
      ),
    ).toBe(CONSENT_DENIED);
  });

  it("a question that has expired is not even asked", async () => {
    let asked = 0;
    const provider = providerOf(async () => {
      asked += 1;
      return ONCE;
    });
    expect(await askConsent(provider, questionOf(), () => NOW + 60_000)).toBe(CONSENT_DENIED);
    expect(await askConsent(provider, questionOf(), () => Number.NaN)).toBe(CONSENT_DENIED);
    expect(asked).toBe(0);
  });
});

describe("createConsentRecords", () => {
  it("once is for these arguments and one call, session for any of this session", () => {
    expect(recordOf(ONCE)).toMatchObject({
      ...CALL,
      singleUse: true,
      textHash: questionOf().textHash,
      channel: "terminal",
      expiresAtMs: NOW + 300_000,
    });
    expect(recordOf(SESSION)).toMatchObject({ argsDigest: null, singleUse: false });
    expect(isConsentRecord(JSON.parse(JSON.stringify(recordOf(ONCE))))).toBe(true);
  });

  it("a lease of n calls is n records, each for one call, so that no store can give one more", () => {
    const records = recordsOf({ choice: "lease", calls: 3, minutes: 10 });
    expect(records).toHaveLength(3);
    expect(new Set(records.map(({ id }) => id)).size).toBe(3);
    for (const record of records) {
      expect(record).toMatchObject({ singleUse: true, argsDigest: null });
      expect(record.expiresAtMs).toBe(NOW + 600_000);
    }
  });

  it("a deny leaves nothing behind", () => {
    expect(recordsOf(CONSENT_DENIED)).toEqual([]);
  });

  it.each<[string, object]>([
    ["a short principal", { principalHash: "ab" }],
    ["no definition", { itemFingerprint: "" }],
    ["an asking set that is no u32", { asking: -1 }],
    ["a taint mask above 32 bits", { taint: 2 ** 32 }],
    ["an unknown kind", { kind: "server" }],
    ["a digest in upper case", { imageDigest: HASH.toUpperCase() }],
  ])("refuses a binding with %s", (_, changes) => {
    expectCode(() => recordsOf(ONCE, changes), "ARGUMENT_INVALID");
  });

  it("refuses a time that is none", () => {
    const question = questionOf();
    for (const nowMs of [Number.NaN, -1, 0.5]) {
      expectCode(
        () =>
          createConsentRecords({ binding: CALL, question, answer: ONCE, channel: "web", nowMs }),
        "ARGUMENT_INVALID",
      );
    }
  });

  it("no record lives longer than a day", () => {
    const record = recordOf(SESSION);
    const limit = { ...record, expiresAtMs: NOW + LIMIT_CONSENT_MS };
    expect(isConsentRecord(limit)).toBe(true);
    expect(isConsentRecord({ ...limit, expiresAtMs: NOW + LIMIT_CONSENT_MS + 1 })).toBe(false);
  });
});

describe("consentApplies", () => {
  it("lifts the questions of the call that was shown", () => {
    expect(consentApplies(recordOf(ONCE), CALL, NOW)).toBe(true);
    expect(
      consentApplies(recordOf(SESSION), { ...CALL, argsDigest: argumentsDigest({}) }, NOW),
    ).toBe(true);
  });

  it.each<[string, Partial<ConsentBinding>]>([
    ["another user", { principalHash: principalHash("bob") }],
    ["another session", { sessionHash: sessionHash("t") }],
    ["another server", { serverId: "post" }],
    ["another tool", { itemName: "send2" }],
    ["a prompt of that name", { kind: "prompt" }],
    ["another definition", { itemFingerprint: `sha256:${"00".repeat(32)}` }],
    ["other rules", { imageDigest: "00".repeat(32) }],
    ["other arguments", { argsDigest: argumentsDigest({ to: "eve" }) }],
    ["a question that was not shown", { asking: ASKING | RULE }],
    ["a label that the session got since", { taint: 0b11 }],
    ["a mask that is none", { taint: Number.NaN }],
  ])("never those of %s", (_, changes) => {
    expect(consentApplies(recordOf(ONCE), { ...CALL, ...changes }, NOW)).toBe(false);
  });

  it("holds for fewer questions and labels than were shown", () => {
    const record = recordOf(SESSION, { asking: ASKING | (1 << 28), taint: 0x80000001 });
    expect(consentApplies(record, { ...CALL, taint: 0x80000000 }, NOW)).toBe(true);
    expect(consentApplies(record, { ...CALL, asking: 0, taint: 0 }, NOW)).toBe(true);
  });

  it("where a rule asks, a lease that came or went since is another question", () => {
    const record = recordOf(SESSION, { asking: RULE });
    const call = { ...CALL, asking: RULE };
    expect(consentApplies(record, call, NOW)).toBe(true);
    expect(consentApplies(record, { ...call, hadLease: true }, NOW)).toBe(false);
    expect(consentApplies(recordOf(SESSION), { ...CALL, hadLease: true }, NOW)).toBe(true);
  });

  it("ends at its expiry, and at a time that is none", () => {
    const record = recordOf(ONCE);
    expect(consentApplies(record, CALL, record.expiresAtMs - 1)).toBe(true);
    for (const nowMs of [record.expiresAtMs, Number.NaN, 0, Number.POSITIVE_INFINITY]) {
      expect(consentApplies(record, CALL, nowMs)).toBe(false);
    }
  });

  it("a malformed record applies to nothing, and nothing is thrown", () => {
    const record: Record<string, unknown> = { ...recordOf(ONCE) };
    const keys = fc.constantFrom(...Object.keys(record));
    fc.assert(
      fc.property(keys, fc.anything(), (key, value) => {
        const applies = consentApplies({ ...record, [key]: value }, CALL, NOW);
        if (applies) expect(isConsentRecord({ ...record, [key]: value })).toBe(true);
        const { [key]: _, ...without } = record;
        expect(consentApplies(without, CALL, NOW)).toBe(false);
        expect(consentApplies(value, CALL, NOW)).toBe(false);
      }),
      { numRuns: 400 },
    );
  });
});
