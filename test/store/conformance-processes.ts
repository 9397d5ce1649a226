// Conformance: many processes on one store, and processes that are killed in the middle.
import { describe, expect, it } from "vitest";
import { createRandom } from "../oracle/random.ts";
import { runTogether, startStoreProcess } from "./child.ts";
import { type Current, missing } from "./conformance.ts";
import { consent, hash, lease, NOW_MS, question } from "./fixtures.ts";

const PROCESSES = 6;
const INVOCATIONS = 300;
const KILLS = 120;
const LANES = 4;
const DELAY_MS_MAX = 12;
const MANY = 1_000_000;

/** Takes invocations until there are none, and prints one line for each. */
const DRAIN = `
for (;;) {
  const { remaining } = await store.getLease(${JSON.stringify(hash(1))});
  if (remaining === 0) break;
  if (await store.consumeLease(${JSON.stringify(hash(1))}, remaining)) say("taken " + remaining);
}
`;

export function describeProcesses(current: Current): void {
  describe("processes", () => {
    it(`${PROCESSES} processes and ${INVOCATIONS} invocations left: exactly ${INVOCATIONS} succeed`, async () => {
      const { store, childSource = missing() } = current.handle();
      const bounds = { maxInvocations: INVOCATIONS, remaining: INVOCATIONS };
      await store.putLease(lease(1, bounds));
      const taken = (await runTogether(childSource, PROCESSES, () => DRAIN)).flat();
      expect(taken).toHaveLength(INVOCATIONS);
      expect(new Set(taken).size).toBe(INVOCATIONS);
      expect((await store.getLease(hash(1)))?.remaining).toBe(0);
    });

    it("what counts once counts once, whichever process is first, and no label is lost", async () => {
      const { store, childSource = missing() } = current.handle();
      await store.putConsent(consent(1));
      await store.putQuestion(question("q"));
      const body = (index: number): string => `
const id = ${JSON.stringify(hash(1))};
if (await store.consumeConsent(id)) say("consent");
if (await store.answerQuestion("q", { choice: "once" }, "web", ${NOW_MS})) say("answer");
if (await store.useNonce("n", ${NOW_MS + 9}, ${NOW_MS})) say("nonce");
if (await store.registerLog({ origin: "o", path: "/p", createdAtMs: ${index} })) say("log");
if (await store.linkSession(${JSON.stringify(hash(7))}, "f".repeat(63) + ${index})) say("link");
for (let bit = ${index}; bit < 32; bit += ${PROCESSES}) await store.addTaint(id, (1 << bit) >>> 0);
`;
      const lines = (await runTogether(childSource, PROCESSES, body)).flat();
      expect(lines.sort()).toEqual(["answer", "consent", "link", "log", "nonce"]);
      expect(await store.getTaint(hash(1))).toBe(0xffff_ffff);
    });

    it(`${KILLS} processes killed in the middle: nothing is gained, at most the one in flight is lost`, async () => {
      const { store, reopen = missing, childSource = missing() } = current.handle();
      await store.putLease(lease(1, { maxInvocations: MANY, remaining: MANY }));
      const taken = new Set<string>();
      let acknowledged = 0;
      const lane = async (number: number): Promise<void> => {
        const random = createRandom(number + 1);
        for (let round = 0; round < KILLS / LANES; round++) {
          const child = startStoreProcess(childSource, DRAIN);
          await child.ready;
          child.go();
          await child.spoke;
          await new Promise((resolve) => setTimeout(resolve, 1 + random.below(DELAY_MS_MAX)));
          child.process.kill("SIGKILL");
          const { stdout, stderr } = await child.ended;
          expect(stderr).toBe("");
          expect(child.process.signalCode).toBe("SIGKILL");
          // a line that was cut was not heard
          for (const line of stdout.split("\n").slice(0, -1)) {
            taken.add(line);
            acknowledged += 1;
          }
        }
      };
      await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)));
      const after = await reopen();
      const left = (await after.getLease(hash(1)))?.remaining ?? -1;
      await after.close();
      expect(taken.size).toBe(acknowledged);
      expect(acknowledged).toBeGreaterThanOrEqual(KILLS);
      expect(acknowledged + left).toBeLessThanOrEqual(MANY);
      expect(MANY - left - acknowledged).toBeLessThanOrEqual(KILLS);
      expect((await store.getLease(hash(1)))?.remaining).toBe(left);
    }, 600_000);
  });
}
