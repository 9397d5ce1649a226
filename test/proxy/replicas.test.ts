// Several guards, each in a process of its own, behind one real Redis: one truth for leases, approvals,
// nonces, labels and drift, whoever is asked, and whoever is killed.
import { expect, it, onTestFinished, vi } from "vitest";
import { principalHash } from "../../src/guard/identity-hash.ts";
import { createScopeLease } from "../../src/guard/lease.ts";
import { openRedisStore } from "../../src/store/redis.ts";
import type { AsyncStateStore } from "../../src/store/types.ts";
import { NOW_MS } from "../fixtures/trust.ts";
import { describeWithRedis, startRedis } from "../store/redis-server.ts";
import { Replica } from "./replica-process.ts";
import { call, catalogToml, modern, request, SERVER_ID } from "./rig.ts";
import { REPLICA_PARTS } from "../fixtures/replica-parts.ts";

const POLL = { timeout: 60_000, interval: 20 };
const CALLS = 10_000;
const INVOCATIONS = 4_000;
const AT_ONCE = 50;

const CATALOG = catalogToml(REPLICA_PARTS);

interface Fleet {
  readonly store: AsyncStateStore;
  readonly start: (timeoutMs?: number) => Promise<Replica>;
  readonly redis: Awaited<ReturnType<typeof startRedis>>;
}

async function fleet(): Promise<Fleet> {
  const redis = await startRedis();
  const { url } = redis;
  const store = await openRedisStore({ url, timeoutMs: 20_000 });
  onTestFinished(() => store.close());
  const start = async (timeoutMs?: number): Promise<Replica> => {
    const replica = await Replica.start({
      catalog: CATALOG,
      url,
      ...(timeoutMs !== undefined && { timeoutMs }),
    });
    return replica.connect();
  };
  return { store, start, redis };
}

async function grant(store: AsyncStateStore, maxInvocations: number): Promise<string> {
  const lease = createScopeLease({
    ...{ principalHash: principalHash("local"), serverId: SERVER_ID },
    ...{ grantedTools: ["write_file"], maxInvocations, stateChanging: true, clock: () => NOW_MS },
  });
  const { leaseId: _, expiresAt: __, ...stored } = lease;
  expect(await store.putLease(stored)).toBe(true);
  return lease.id;
}

async function left(store: AsyncStateStore, id: string): Promise<number> {
  return (await store.getLease(id))?.remaining ?? -1;
}

describeWithRedis("replicas", () => {
  it("share a lease: two of them use what there is, and not one invocation more", async () => {
    const { store, start } = await fleet();
    const replicas = await Promise.all([start(), start()]);
    const id = await grant(store, AT_ONCE);
    let next = 0;
    // a call that was always too slow is refused with some left, and may be tried again
    while ((await left(store, id)) > 0) {
      const first = next;
      next += AT_ONCE;
      for (const replica of replicas) {
        for (let at = first; at < next; at++) replica.send(call(at, "write_file"));
      }
      for (const replica of replicas) {
        for (let at = first; at < next; at++) await replica.answered(at);
      }
    }
    expect(replicas.flatMap(({ calls }) => calls)).toHaveLength(AT_ONCE);
    for (const replica of replicas) {
      expect(await replica.send(call("last", "write_file")).reason("last")).toBe("lease_exhausted");
    }
  });

  it(`one killed in the middle of ${CALLS} calls: no invocation is gained, at most one is lost`, async () => {
    const { store, start } = await fleet();
    const id = await grant(store, INVOCATIONS);
    const replicas = await Promise.all([start(), start()]);
    const [killed, other] = replicas;
    const perReplica = CALLS / replicas.length;
    for (const replica of replicas) {
      for (let at = 0; at < perReplica; at++) replica.send(call(at, "write_file"));
    }
    await vi.waitFor(() => expect(killed?.calls.length).toBeGreaterThan(500), POLL);
    await killed?.kill();
    expect(await left(store, id)).toBeGreaterThan(0);
    expect(killed?.answerCount).toBeLessThan(perReplica);
    // in its place comes another, which is asked the rest and again what was asked before
    const next = await start();
    for (let at = 0; at < perReplica; at++) next.send(call(at, "write_file"));
    await other?.answered(perReplica - 1);
    await next.answered(perReplica - 1);
    // a call that was always too slow is refused with some left, and may be tried again
    for (let at = perReplica; (await left(store, id)) > 0; at++) {
      await next.send(call(at, "write_file")).answered(at);
    }
    const used = [...replicas, next].reduce((sum, { calls }) => sum + calls.length, 0);
    expect(used).toBeLessThanOrEqual(INVOCATIONS);
    expect(used).toBeGreaterThanOrEqual(INVOCATIONS - 1);
    expect(await next.send(call("last", "write_file")).reason("last")).toBe("lease_exhausted");
  }, 300_000);

  it("share approvals: what was approved for the session at one is not asked at the other", async () => {
    const { store, start } = await fleet();
    const [a, b] = [await start(), await start()];
    a.send(call(1, "delete_file"));
    await vi.waitFor(() => expect(a.received.some(isQuestion)).toBe(true), POLL);
    const question = a.received.find(isQuestion);
    const content = { approve: true, choice: "session" };
    a.send({ jsonrpc: "2.0", id: question?.id, result: { action: "accept", content } });
    expect(await a.reason(1)).toBe("allowed");
    expect((await store.listConsents()).map(({ singleUse }) => singleUse)).toEqual([false]);
    expect(await b.send(call(1, "delete_file")).reason(1)).toBe("allowed");
    expect(b.received.some(isQuestion)).toBe(false);
  });

  it("share the modern era's request state: asked at one, brought back to the other, once", async () => {
    const { start } = await fleet();
    const [a, b] = [await start(), await start()];
    const params = { name: "delete_file", arguments: { path: "/workspace/a.txt" } };
    a.send(modern(request(1, "tools/call", params)));
    const { requestState } = (await a.answered(1)).result ?? {};
    expect(requestState).toMatch(/^portcullis:/);
    const approve = { action: "accept", content: { approve: true } };
    const back = { ...params, requestState, inputResponses: { "portcullis:consent": approve } };
    expect(await b.send(modern(request(2, "tools/call", back))).reason(2)).toBe("allowed");
    for (const [id, replica] of [a, b].entries()) {
      replica.send(modern(request(id + 3, "tools/call", back)));
      expect(await replica.reason(id + 3)).toBe("consent_refused");
    }
    expect([...a.calls, ...b.calls]).toEqual([2]);
  });

  it("share labels: what was read at one stops what would be sent at the other", async () => {
    const { start } = await fleet();
    const [a, b] = [await start(), await start()];
    expect(await b.send(call(1, "fetch_url")).reason(1)).toBe("allowed");
    expect(await a.send(call(1, "read_text_file")).reason(1)).toBe("allowed");
    expect(await b.send(call(2, "fetch_url")).reason(2)).toBe("taint_denied");
    expect(b.calls).toEqual([1]);
  });

  it("Redis killed in the middle: refusals, no invocation beside what was granted; the rest goes on", async () => {
    const { store, start, redis } = await fleet();
    await grant(store, CALLS);
    const [a, b] = await Promise.all([start(1_000), start(1_000)]);
    const count = 2_000;
    for (const replica of [a, b]) {
      for (let at = 0; at < count; at++) replica.send(call(at, "write_file"));
    }
    await vi.waitFor(() => expect(a.calls.length).toBeGreaterThan(50), POLL);
    await redis.kill();
    for (const replica of [a, b]) {
      expect(await replica.reason(count - 1)).not.toBe("allowed");
      const before = replica.calls.length;
      expect(await replica.send(call("need", "write_file")).reason("need")).toMatch(/^lease_/);
      expect(await replica.send(call("stop", "fetch_url")).reason("stop")).toBe("taint_denied");
      expect(await replica.send(call("free", "echo")).reason("free")).toBe("allowed");
      expect(replica.calls.slice(before)).toEqual(["free"]);
    }
    // an empty one in its place grants nothing, and is nobody's session
    await startRedis({ port: redis.port });
    const again = await openRedisStore({ url: redis.url });
    onTestFinished(() => again.close());
    await grant(again, 5);
    for (const [at, replica] of [a, b].entries()) {
      const id = `after ${at}`;
      expect(await replica.send(call(id, "write_file")).reason(id)).toMatch(/^lease_/);
      expect(replica.calls).not.toContain(id);
    }
  }, 120_000);

  it("a Redis that hangs: what needs it is refused, what does not goes on, and all of it afterwards", async () => {
    const { store, start, redis } = await fleet();
    const id = await grant(store, 5);
    const replica = await start(1_000);
    expect(await replica.send(call(1, "write_file")).reason(1)).toBe("allowed");
    redis.process.kill("SIGSTOP");
    expect(await replica.send(call(2, "write_file")).reason(2)).toMatch(/^lease_/);
    expect(await replica.send(call(3, "fetch_url")).reason(3)).toBe("taint_denied");
    expect(await replica.send(call(4, "echo")).reason(4)).toBe("allowed");
    expect(replica.calls).toEqual([1, 4]);
    redis.process.kill("SIGCONT");
    let at = 10;
    await vi.waitFor(async () => {
      at += 1;
      expect(await replica.send(call(at, "write_file")).reason(at)).toBe("allowed");
    }, POLL);
    expect(await left(store, id)).toBeLessThanOrEqual(3);
  });
});

function isQuestion({ method }: { readonly method?: string }): boolean {
  return method === "elicitation/create";
}
