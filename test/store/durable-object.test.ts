// The store in a Durable Object, in real workerd: many processes and many isolates, and workerd killed
// in the middle.
import { describe, expect, it, vi } from "vitest";
import { GuardError } from "../../src/errors.ts";
import { openDurableObjectStore } from "../../src/store/durable-object.ts";
import type { AsyncStateStore } from "../../src/store/types.ts";
import { expectCode, expectRejection } from "../fixtures/trust.ts";
import { describeStateStore } from "./conformance.ts";
import {
  endWorkersAfterwards,
  lackOfWorkerd,
  makeWorkers,
  startWorkers,
  type Workers,
} from "./durable-workers.ts";
import { hash, lease, NOW_MS } from "./fixtures.ts";

const ISOLATES = 6;
const INVOCATIONS = 120;
const MANY = 100_000;
const USERS = 8;

describe("the client of a Durable Object", () => {
  const stubOf = (answer: () => Promise<Response>): AsyncStateStore =>
    openDurableObjectStore({ fetch: answer });

  it.each([
    ["a page", "<html>", "STORE_UNAVAILABLE"],
    ["nothing", "null", "STORE_UNAVAILABLE"],
    ["no truth value", '{"value":1}', "STORE_CORRUPT"],
    ["no value", "{}", "STORE_CORRUPT"],
    ["a fault of nobody", '{"fault":{"code":"ALLOW"}}', "STORE_UNAVAILABLE"],
    ["a fault", '{"fault":{"code":"STORE_CORRUPT","message":"m"}}', "STORE_CORRUPT"],
  ] as const)("takes %s for no invocation", async (_, text, code) => {
    const store = stubOf(async () => new Response(text));
    await expectRejection(store.consumeLease(hash(1), 1), code);
  });

  it("believes no status but success, no lease that is none, and no silence", async () => {
    const gone = stubOf(async () => new Response('{"value":true}', { status: 503 }));
    await expectRejection(gone.consumeLease(hash(1), 1), "STORE_UNAVAILABLE");
    const odd = stubOf(async () => Response.json({ value: [lease(1, { remaining: 9 })] }));
    await expectRejection(odd.listLeases(), "STORE_CORRUPT");
    const mute = openDurableObjectStore(
      { fetch: () => new Promise(() => undefined) },
      { timeoutMs: 20 },
    );
    await expectRejection(mute.consumeLease(hash(1), 1), "STORE_UNAVAILABLE");
    expectCode(
      () => openDurableObjectStore({ fetch: fetch }, { timeoutMs: 0 }),
      "ARGUMENT_INVALID",
    );
  });
});

if (lackOfWorkerd !== undefined) {
  describe("durable object", () => {
    it.skip(`needs workerd and miniflare (${lackOfWorkerd})`, () => undefined);
  });
} else {
  endWorkersAfterwards();
  let workers: Promise<Workers> | undefined;
  let count = 0;
  const start = async (): Promise<Workers> => startWorkers(await makeWorkers(), ISOLATES);

  describeStateStore({
    name: "durable object",
    isShared: true,
    create: async () => {
      workers ??= start();
      const { url, store } = await workers;
      count += 1;
      const name = `test-${count}`;
      const target = JSON.stringify(`${url}/object/${name}`);
      return {
        store: store(name),
        reopen: async () => store(name),
        childSource: `const { openDurableObjectStore } = await import("portcullis/store/durable-object");
const stub = { fetch: (_, init) => fetch(${target}, init) };
const store = openDurableObjectStore(stub, { timeoutMs: 20_000 });`,
      };
    },
  });

  describe("durable object", () => {
    it(`${ISOLATES} isolates and ${INVOCATIONS} invocations left: exactly ${INVOCATIONS} succeed`, async () => {
      workers ??= start();
      const { store, ask } = await workers;
      const shared = store("isolates");
      const bounds = { maxInvocations: INVOCATIONS, remaining: INVOCATIONS };
      await shared.putLease(lease(1, bounds));
      const each = await Promise.all(
        Array.from({ length: ISOLATES }, (_, isolate) => ask(isolate, "lease/isolates")),
      );
      const taken = each.flat();
      expect(new Set(taken).size).toBe(INVOCATIONS);
      expect(taken).toHaveLength(INVOCATIONS);
      expect((await shared.getLease(hash(1)))?.remaining).toBe(0);
    });

    it("a guard in each isolate: together they allow what was granted, and not one call more", async () => {
      workers ??= start();
      const { store, ask } = await workers;
      const granted = 60;
      const id = String(await ask(0, `grant/guards/${granted}`));
      const reasons: unknown[] = [];
      // a call that was always too slow is refused with some left, and may be tried again
      while (((await store("guards").getLease(id))?.remaining ?? 0) > 0) {
        const each = await Promise.all(
          Array.from({ length: ISOLATES }, (_, isolate) => ask(isolate, `gateway/guards/${id}`)),
        );
        reasons.push(...each.flat());
      }
      expect(reasons.filter((reason) => reason === "allow")).toHaveLength(granted);
      expect(new Set(reasons)).toEqual(new Set(["allow", "lease_exhausted"]));
      expect(await ask(0, `gateway/guards/${"0".repeat(64)}`)).not.toContain("allow");
    });

    it("an object answers operations alone: no other method, no prototype, no page", async () => {
      workers ??= start();
      const { url } = await workers;
      const at = `${url}/object/odd`;
      expect((await fetch(at)).status).toBe(405);
      for (const body of ["", "{}", "[]", '["close"]', '["toString"]', '["__proto__"]', "[null]"]) {
        const answer: unknown = await (await fetch(at, { method: "POST", body })).json();
        expect(answer, body).toMatchObject({ fault: { code: "ARGUMENT_INVALID" } });
      }
      const odd = await fetch(at, { method: "POST", body: '["putLease",{}]' });
      expect(await odd.json()).toMatchObject({ fault: { code: "ARGUMENT_INVALID" } });
    });

    it("workerd killed in the middle: nothing is gained, at most what was in flight is lost", async () => {
      const folder = await makeWorkers();
      const before = await startWorkers(folder);
      const store = before.store("crash");
      await store.putLease(lease(1, { maxInvocations: MANY, remaining: MANY }));
      await store.addTaint(hash(1), 5);
      await store.useNonce("n", NOW_MS + 9, NOW_MS);
      let acknowledged = 0;
      const use = async (): Promise<void> => {
        for (;;) {
          try {
            const left = (await store.getLease(hash(1)))?.remaining ?? 0;
            if (await store.consumeLease(hash(1), left)) acknowledged += 1;
          } catch (fault) {
            if (fault instanceof GuardError && fault.code === "STORE_UNAVAILABLE") return;
            throw fault;
          }
        }
      };
      const users = Array.from({ length: USERS }, use);
      await vi.waitFor(() => expect(acknowledged).toBeGreaterThan(20), { timeout: 20_000 });
      await before.kill();
      await Promise.all(users);
      const after = await startWorkers(folder);
      const again = after.store("crash");
      const left = (await again.getLease(hash(1)))?.remaining ?? -1;
      expect(acknowledged + left).toBeLessThanOrEqual(MANY);
      expect(MANY - left - acknowledged).toBeLessThanOrEqual(USERS);
      expect(await again.getTaint(hash(1))).toBe(5);
      expect(await again.useNonce("n", NOW_MS + 9, NOW_MS)).toBe(false);
    });
  });
}
