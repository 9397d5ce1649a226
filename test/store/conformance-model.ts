// Conformance: random stories, told to the store and to the one in memory; both say the same.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GuardError } from "../../src/errors.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { StateStore } from "../../src/store/types.ts";
import type { Current } from "./conformance.ts";
import { ALICE, consent, FINGERPRINT, hash, lease, NOW_MS, question } from "./fixtures.ts";

type Step = (store: StateStore) => unknown;

const STORIES = 20;
const STEPS_MAX = 60;
const few = fc.integer({ min: 1, max: 4 });
const mask = fc.constantFrom(0, 1, 2, 0x8000_0000, 0xffff_ffff);
const time = fc.constantFrom(0, 1, 59_999, 60_000, 86_400_000, 90_000_000).map((ms) => NOW_MS + ms);

const STEP: fc.Arbitrary<readonly [string, Step]> = fc.oneof(
  fc.tuple(few, time, fc.boolean()).map(([id, ms, isBounded]): [string, Step] => {
    const count = isBounded ? id : null;
    const given = { createdAtMs: ms, expiresAtMs: ms + 9, maxInvocations: count, remaining: count };
    return [`putLease ${id} ${ms} ${isBounded}`, (store) => store.putLease(lease(id, given))];
  }),
  fc
    .tuple(few, fc.constantFrom(null, 0, 1, 2, 3, 4))
    .map(([id, left]): [string, Step] => [
      `consumeLease ${id} ${left}`,
      (store) => store.consumeLease(hash(id), left),
    ]),
  few.map((id): [string, Step] => [`revokeLease ${id}`, (store) => store.revokeLease(hash(id))]),
  fc
    .tuple(few, time, fc.boolean())
    .map(([id, ms, singleUse]): [string, Step] => [
      `putConsent ${id} ${ms} ${singleUse}`,
      (store) => store.putConsent(consent(id, { createdAtMs: ms, expiresAtMs: ms + 9, singleUse })),
    ]),
  few.map((id): [string, Step] => [`consume ${id}`, (store) => store.consumeConsent(hash(id))]),
  few.map((id): [string, Step] => [`revoke ${id}`, (store) => store.revokeConsent(hash(id))]),
  fc
    .tuple(few, time)
    .map(([id, ms]): [string, Step] => [
      `putQuestion ${id} ${ms}`,
      (store) => store.putQuestion(question(`q${id}`, { createdAtMs: ms, expiresAtMs: ms + 9 })),
    ]),
  fc
    .tuple(few, time)
    .map(([id, ms]): [string, Step] => [
      `answer ${id} ${ms}`,
      (store) => store.answerQuestion(`q${id}`, { choice: "once" }, "web", ms),
    ]),
  few.map((id): [string, Step] => [`remove ${id}`, (store) => store.removeQuestion(`q${id}`)]),
  fc
    .tuple(few, mask)
    .map(([id, bits]): [string, Step] => [
      `addTaint ${id} ${bits}`,
      (store) => store.addTaint(hash(id), bits),
    ]),
  fc
    .tuple(few, few)
    .map(([child, parent]): [string, Step] => [
      `link ${child} ${parent}`,
      (store) => store.linkSession(hash(child), hash(parent)),
    ]),
  few.map((id): [string, Step] => [`reset ${id}`, (store) => store.resetSession(hash(id))]),
  fc
    .tuple(few, time, time)
    .map(([id, until, now]): [string, Step] => [
      `nonce ${id} ${until} ${now}`,
      (store) => store.useNonce(`n${id}`, until, now),
    ]),
  few.map((id): [string, Step] => [
    `drift ${id}`,
    (store) =>
      store.addDrift({ serverId: "s", kind: "tool", name: `t${id}`, catalogSha256: hash(1) }),
  ]),
  few.map((id): [string, Step] => [
    `register ${id}`,
    (store) => store.registerLog({ origin: `o${id}`, path: "/p", createdAtMs: id }),
  ]),
  fc
    .tuple(few, time)
    .map(([id, ms]): [string, Step] => [
      `close ${id} ${ms}`,
      (store) => store.closeLog(`o${id}`, ms),
    ]),
);

/** Everything that a store shows, wherever it keeps it. */
async function view(store: StateStore): Promise<unknown> {
  const ids = [1, 2, 3, 4];
  return {
    leases: await store.listLeases(),
    found: await store.findLeases(ALICE, "files"),
    consents: await store.listConsents(),
    ofItem: await store.findConsents(ALICE, "files", FINGERPRINT),
    questions: await store.listQuestions(NOW_MS),
    answers: await Promise.all(ids.map(async (id) => await store.getAnswer(`q${id}`))),
    sessions: await store.listSessions(),
    taints: await Promise.all(ids.map(async (id) => await store.getTaint(hash(id)))),
    drift: await store.listDrift("s", hash(1)),
    logs: await store.listLogs(),
  };
}

async function outcome(step: Step, store: StateStore): Promise<unknown> {
  try {
    return await step(store);
  } catch (fault) {
    if (fault instanceof GuardError) return fault.code;
    throw fault;
  }
}

export function describeModel(current: Current): void {
  describe("any story", () => {
    it("ends as it does in memory, step by step", async () => {
      // one story after the other on the same two stores, so that each begins where the last ended
      const store = current.store();
      const model = createMemoryStore();
      const stories = fc.array(STEP, { minLength: 1, maxLength: STEPS_MAX });
      await fc.assert(
        fc.asyncProperty(stories, async (steps) => {
          for (const [name, step] of steps) {
            expect(await outcome(step, store), name).toEqual(await outcome(step, model));
          }
          expect(await view(store)).toEqual(await view(model));
        }),
        { numRuns: STORIES, seed: 20_261_120, endOnFailure: true },
      );
      expect((await store.listSessions()).length).toBeGreaterThan(0);
    });
  });
}
