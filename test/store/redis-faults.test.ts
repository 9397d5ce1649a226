// Redis in trouble: killed in the middle, started again with old data, emptied, stopped, edited,
// short of memory, not there. Refused with a code; no invocation, approval or nonce comes back.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, createCluster } from "redis";
import { expect, it, onTestFinished, vi } from "vitest";
import { GuardError } from "../../src/errors.ts";
import { openRedisStore } from "../../src/store/redis.ts";
import type { AsyncStateStore } from "../../src/store/types.ts";
import { expectRejection } from "../fixtures/trust.ts";
import { ALICE, consent, FINGERPRINT, hash, lease, NOW_MS, question } from "./fixtures.ts";
import { describeWithRedis, type RedisServer, startRedis } from "./redis-server.ts";

const POLL = { timeout: 20_000, interval: 50 };
const MANY = 1_000;

async function open(server: RedisServer, timeoutMs = 20_000): Promise<AsyncStateStore> {
  const store = await openRedisStore({ url: server.url, timeoutMs });
  onTestFinished(() => store.close());
  return store;
}

/** Commands past the store. */
async function command({ url }: RedisServer, ...words: readonly string[]): Promise<unknown> {
  const client = await createClient({ url }).connect();
  try {
    return await client.sendCommand([...words]);
  } finally {
    client.destroy();
  }
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "portcullis-redis-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** The code of each fault, or what was answered. */
async function outcome(operation: Promise<unknown>): Promise<unknown> {
  try {
    return await operation;
  } catch (fault) {
    if (fault instanceof GuardError) return fault.code;
    throw fault;
  }
}

/** Uses invocations until the store is gone; gives how many were acknowledged. */
async function useUntilGone(store: AsyncStateStore): Promise<number> {
  let taken = 0;
  for (;;) {
    const left = await outcome(store.getLease(hash(1)).then((found) => found?.remaining ?? -1));
    if (typeof left !== "number" || left <= 0) return taken;
    const answer = await outcome(store.consumeLease(hash(1), left));
    if (answer === true) taken += 1;
    else if (answer !== false) return taken;
  }
}

describeWithRedis("redis in trouble", () => {
  it("a server killed in the middle of calls gives refusals, and no invocation beside what it said", async () => {
    const server = await startRedis();
    const store = await open(server);
    await store.putLease(lease(1, { maxInvocations: MANY, remaining: MANY }));
    const users = Array.from({ length: 8 }, () => useUntilGone(store));
    await vi.waitFor(async () => {
      expect((await store.getLease(hash(1)))?.remaining).toBeLessThan(MANY - 20);
    }, POLL);
    await server.kill();
    const taken = (await Promise.all(users)).reduce((sum, count) => sum + count, 0);
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(MANY);
    expect(await outcome(store.consumeLease(hash(1), 1))).toBe("STORE_UNAVAILABLE");
    // empty behind the crash: it is not taken for the store that was open
    await startRedis({ port: server.port });
    await vi.waitFor(async () => {
      expect(await outcome(store.getTaint(hash(1)))).toBe("STORE_CORRUPT");
    }, POLL);
    expect(await outcome(store.consumeLease(hash(1), 1))).toBe("STORE_CORRUPT");
    expect(await outcome(store.addTaint(hash(1), 1))).toBe("STORE_CORRUPT");
  });

  it("a server that comes back with old data gives nothing back that was used or revoked", async () => {
    const where = { folder: folder() };
    const server = await startRedis(where);
    const store = await open(server);
    await store.putLease(lease(1));
    await store.putLease(lease(2, { maxInvocations: null, remaining: null }));
    await store.putConsent(consent(1));
    await store.putConsent(consent(2, { singleUse: false }));
    await store.putQuestion(question("q"));
    const now = Date.now();
    await store.useNonce("early", now + 60_000, now);
    await store.addTaint(hash(1), 5);
    await store.addDrift({ serverId: "s", kind: "tool", name: "t", catalogSha256: hash(1) });
    await command(server, "SAVE");
    // none of this is on the disk
    expect(await store.consumeLease(hash(1), 3)).toBe(true);
    expect(await store.revokeLease(hash(2))).toBe(true);
    expect(await store.consumeConsent(hash(1))).toBe(true);
    expect(await store.revokeConsent(hash(2))).toBe(true);
    expect(await store.useNonce("replayed", now + 60_000, now)).toBe(true);
    expect(await store.answerQuestion("q", { choice: "deny" }, "web", NOW_MS)).toBe(true);
    await server.kill();
    await startRedis({ ...where, port: server.port });
    await vi.waitFor(async () => expect(await outcome(store.getTaint(hash(1)))).toBe(5), POLL);
    expect(await store.consumeLease(hash(1), 3)).toBe(false);
    expect(await store.consumeLease(hash(2), null)).toBe(false);
    expect(await store.listLeases()).toEqual([]);
    expect(await store.findLeases(ALICE, "files")).toEqual([]);
    expect(await store.consumeConsent(hash(1))).toBe(false);
    expect(await store.findConsents(ALICE, "files", FINGERPRINT)).toEqual([]);
    expect(await store.answerQuestion("q", { choice: "session" }, "web", NOW_MS)).toBe(false);
    expect(await store.useNonce("replayed", now + 60_000, now)).toBe(false);
    expect(await store.useNonce("fresh", now + 600_000, now)).toBe(true);
    expect(await store.listDrift("s", hash(1))).toHaveLength(1);
    // what is granted from now on holds
    expect(await store.putLease(lease(1))).toBe(true);
    expect(await store.consumeLease(hash(1), 3)).toBe(true);
  });

  it.each([
    -3_600_000, 3_600_000,
  ])("a nonce that a server has forgotten stays used, with a guard's clock %i ms off", async (offMs) => {
    const where = { folder: folder() };
    const server = await startRedis(where);
    const store = await open(server);
    const now = Date.now() + offMs;
    await store.useNonce("early", now + 60_000, now);
    await command(server, "SAVE");
    expect(await store.useNonce("replayed", now + 60_000, now)).toBe(true);
    await server.kill();
    await startRedis({ ...where, port: server.port });
    await vi.waitFor(async () => expect(await outcome(store.getTaint(hash(1)))).toBe(0), POLL);
    expect(await store.useNonce("replayed", now + 60_000, now)).toBe(false);
  });

  it("a store that was emptied is not a new one for those who had it open", async () => {
    const server = await startRedis();
    const store = await open(server);
    await store.addTaint(hash(1), 1);
    await command(server, "FLUSHALL");
    const fault = await expectRejection(store.getTaint(hash(1)), "STORE_CORRUPT");
    expect(fault.message).toContain("start the guards again");
    const next = await open(server);
    expect(await next.getTaint(hash(1))).toBe(0);
    await expectRejection(store.getTaint(hash(1)), "STORE_CORRUPT");
  });

  it("a server that stops answering is refused in time, and used again later", async () => {
    const server = await startRedis();
    const store = await open(server, 1_000);
    await store.putLease(lease(1));
    server.process.kill("SIGSTOP");
    const late = await expectRejection(store.consumeLease(hash(1), 3), "STORE_UNAVAILABLE");
    expect(late.message).toContain("no answer within 1000 ms");
    await expectRejection(store.getLease(hash(1)), "STORE_UNAVAILABLE");
    server.process.kill("SIGCONT");
    await vi.waitFor(async () => {
      // the one that was refused may have been taken, and nothing else
      expect([2, 3]).toContain((await store.getLease(hash(1)))?.remaining);
    }, POLL);
  });

  it("rows that no store writes are not believed", async () => {
    const server = await startRedis();
    const store = await open(server);
    const fill = async (): Promise<void> => {
      for (const id of [1, 2]) {
        await store.revokeLease(hash(id));
        await command(server, "HDEL", "{portcullis}:leases", hash(id));
        await store.putLease(lease(id, { principalHash: id === 1 ? ALICE : hash(9) }));
      }
    };
    const key = "{portcullis}:leases";
    await fill();
    const row = String(await command(server, "HGET", key, hash(1)));
    const edits: readonly (readonly string[])[] = [
      ["HSET", `${key}:left`, hash(1), "-1"],
      ["HSET", `${key}:left`, hash(1), "4"],
      ["HSET", `${key}:left`, hash(1), "any"],
      ["HSET", key, hash(1), row.replace(ALICE, hash(9))],
      ["HSET", key, hash(1), row.slice(0, -1)],
      ["HSET", key, hash(1), row.replace(hash(1), hash(3))],
      ["HDEL", key, hash(1)],
    ];
    for (const edit of edits) {
      await fill();
      await command(server, ...edit);
      const what = edit.join(" ");
      expect(await outcome(store.findLeases(ALICE, "files")), what).toBe("STORE_CORRUPT");
    }
    await command(server, "DEL", key);
    await command(server, "SET", key, "text");
    expect(await outcome(store.listLeases())).toBe("STORE_CORRUPT");
    expect(await outcome(store.putLease(lease(5)))).toBe("STORE_CORRUPT");
  });

  it("a session whose line does not end has no known labels, and is refused", async () => {
    const server = await startRedis();
    const store = await open(server);
    for (const id of [1, 2, 3, 4, 5]) await store.addTaint(hash(id), id);
    const parents = "{portcullis}:sessions:parents";
    await command(server, "HSET", parents, hash(1), hash(2), hash(2), hash(1), hash(3), hash(99));
    await command(server, "HSET", "{portcullis}:sessions", hash(4), "-1");
    for (const id of [1, 2, 3, 4]) {
      expect(await outcome(store.getTaint(hash(id)))).toBe("STORE_CORRUPT");
      expect(await outcome(store.addTaint(hash(id), 64))).toBe("STORE_CORRUPT");
    }
    expect(await outcome(store.listSessions())).toBe("STORE_CORRUPT");
    expect(await store.getTaint(hash(5))).toBe(5);
  });

  it("another version, rows without a store, and a server that drops keys are refused", async () => {
    const server = await startRedis();
    const url = { url: server.url };
    await command(server, "HSET", "{v}:meta", "version", "2", "store", "s", "run", "r");
    await expectRejection(openRedisStore({ ...url, prefix: "v" }), "STORE_CORRUPT");
    await command(server, "HSET", "{r}:sessions", hash(1), "1");
    await expectRejection(openRedisStore({ ...url, prefix: "r" }), "STORE_CORRUPT");
    await command(server, "CONFIG", "SET", "maxmemory", "100mb");
    await command(server, "CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
    const fault = await expectRejection(openRedisStore(url), "STORE_UNAVAILABLE");
    expect(fault.message).toContain("noeviction");
    await command(server, "CONFIG", "SET", "maxmemory-policy", "noeviction");
    await (await openRedisStore(url)).close();
  });

  it("a server that comes back as one that drops keys is refused, too", async () => {
    const kept = { folder: folder(), extra: ["--appendonly", "yes", "--appendfsync", "always"] };
    const server = await startRedis(kept);
    const store = await open(server);
    await store.addTaint(hash(1), 1);
    await server.kill();
    const memory = ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-random"];
    const { port } = server;
    const back = await startRedis({ ...kept, port, extra: [...kept.extra, ...memory] });
    const fault = (): Promise<unknown> => store.getTaint(hash(1)).catch(String);
    await expect.poll(fault, POLL).toContain("noeviction");
    expect(await outcome(store.getTaint(hash(1)))).toBe("STORE_UNAVAILABLE");
    await command(back, "CONFIG", "SET", "maxmemory-policy", "noeviction");
    expect(await store.getTaint(hash(1))).toBe(1);
  });

  it("no server, no url, and no prefix are refused", async () => {
    const server = await startRedis();
    await server.kill();
    await expectRejection(openRedisStore({ url: server.url }), "STORE_UNAVAILABLE");
    await expectRejection(openRedisStore({ url: "http://127.0.0.1" }), "ARGUMENT_INVALID");
    for (const prefix of ["", "a}b", "x".repeat(65)]) {
      await expectRejection(openRedisStore({ url: server.url, prefix }), "ARGUMENT_INVALID");
    }
    for (const timeoutMs of [0, -1, 0.5, Number.NaN]) {
      await expectRejection(openRedisStore({ url: server.url, timeoutMs }), "ARGUMENT_INVALID");
    }
  });

  it("a cluster keeps a store in one slot, and its client is left open", async () => {
    const server = await startRedis({ extra: ["--cluster-enabled", "yes"] });
    await command(server, "CLUSTER", "ADDSLOTSRANGE", "0", "16383");
    await vi.waitFor(async () => {
      expect(await command(server, "CLUSTER", "INFO")).toContain("cluster_state:ok");
    }, POLL);
    const cluster = createCluster({ rootNodes: [{ url: server.url }] });
    await cluster.connect();
    onTestFinished(() => cluster.destroy());
    const store = await openRedisStore({ connection: cluster });
    await store.putLease(lease(1));
    await store.putConsent(consent(1));
    expect(await store.findLeases(ALICE, "files")).toEqual([lease(1)]);
    expect(await store.consumeLease(hash(1), 3)).toBe(true);
    expect(await store.useNonce("n", NOW_MS + 9, NOW_MS)).toBe(true);
    await store.close();
    expect(await cluster.get("{portcullis}:trust")).toBeNull();
  });
});
