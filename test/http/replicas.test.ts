// Two HTTP guards behind one real Redis, as behind one name: one truth for leases, approvals and labels,
// whichever of them a request comes to.
import { expect, it, onTestFinished } from "vitest";
import { principalHash } from "../../src/guard/identity-hash.ts";
import { createScopeLease } from "../../src/guard/lease.ts";
import { openRedisStore } from "../../src/store/redis.ts";
import type { AsyncStateStore } from "../../src/store/types.ts";
import { FIXTURE_ARGUMENTS } from "../fixtures/calls.ts";
import { NOW_MS } from "../fixtures/trust.ts";
import { SERVER_ID } from "../proxy/rig.ts";
import { describeWithRedis, startRedis } from "../store/redis-server.ts";
import { answerOf, call, HttpRig, reasonOf } from "./rig.ts";
import { REPLICA_PARTS } from "../fixtures/replica-parts.ts";

const FORMS = { capabilities: { elicitation: {} } };
const consentKey = new Uint8Array(32).fill(7);
const argsOf = (name: string): object => FIXTURE_ARGUMENTS.get(name) ?? {};

interface Fleet {
  readonly redis: Awaited<ReturnType<typeof startRedis>>;
  readonly store: AsyncStateStore;
  readonly a: HttpRig;
  readonly b: HttpRig;
}

/** Each of the two has a connection to Redis of its own. */
async function fleet(timeoutMs = 20_000): Promise<Fleet> {
  const redis = await startRedis();
  const open = async (): Promise<AsyncStateStore> => {
    const store = await openRedisStore({ url: redis.url, timeoutMs });
    onTestFinished(() => store.close());
    return store;
  };
  const start = async (): Promise<HttpRig> =>
    await HttpRig.start(REPLICA_PARTS, { store: await open(), consentKey });
  return { redis, store: await open(), a: await start(), b: await start() };
}

async function grant(store: AsyncStateStore, maxInvocations: number): Promise<string> {
  const {
    leaseId,
    expiresAt: _,
    ...stored
  } = createScopeLease({
    ...{ principalHash: principalHash("agent:a"), serverId: SERVER_ID },
    ...{ grantedTools: ["write_file"], maxInvocations, stateChanging: true, clock: () => NOW_MS },
  });
  expect(await store.putLease(stored)).toBe(true);
  return leaseId;
}

function send(rig: HttpRig, name: string, id = 1): Promise<Response> {
  return rig.modern("tools/call", { name, arguments: argsOf(name) }, { id });
}

async function reason(rig: HttpRig, name: string): Promise<unknown> {
  return await reasonOf(await send(rig, name));
}

/** Asks at one guard; gives the call with a person's approval. */
async function approved(rig: HttpRig): Promise<object> {
  const params = { name: "delete_file", arguments: argsOf("delete_file") };
  const { result } = await answerOf(await rig.modern("tools/call", params, FORMS));
  const requestState = result?.["requestState"];
  expect(requestState).toMatch(/^portcullis:/);
  const content = { approve: true };
  const inputResponses = { "portcullis:consent": { action: "accept", content } };
  return { ...params, requestState, inputResponses };
}

async function bring(rig: HttpRig, back: object): Promise<unknown> {
  return await reasonOf(await rig.modern("tools/call", back, FORMS));
}

describeWithRedis("replicas behind HTTP", () => {
  it("share a lease: both together use what there is, and not one invocation more", async () => {
    const { store, a, b } = await fleet();
    const count = 40;
    const lease = await grant(store, count);
    const left = async (): Promise<number> => (await store.getLease(lease))?.remaining ?? -1;
    // a call that was always too slow is refused with some left, and may be tried again
    for (let at = 0; (await left()) > 0; at += count) {
      const sent = [a, b].flatMap((rig) =>
        Array.from({ length: count }, (_, more) => send(rig, "write_file", at + more)),
      );
      await Promise.all(sent.map(async (response) => await reasonOf(await response)));
    }
    expect(a.callsReceived + b.callsReceived).toBe(count);
    for (const rig of [a, b]) expect(await reason(rig, "write_file")).toBe("lease_exhausted");
    expect(a.callsReceived + b.callsReceived).toBe(count);
  });

  it("share an approval: asked at one, brought back to the other, it holds once", async () => {
    const { a, b } = await fleet();
    const back = await approved(a);
    expect(await bring(b, back)).toBe("allowed");
    for (const rig of [a, b]) expect(await bring(rig, back)).toBe("consent_refused");
    const other = await approved(b);
    const both = await Promise.all([bring(a, other), bring(b, other)]);
    expect(both.sort()).toEqual(["allowed", "consent_refused"]);
    expect(a.callsReceived + b.callsReceived).toBe(2);
  });

  it("share labels, between both eras: what was read at one stops what would be sent at the other", async () => {
    const { a, b } = await fleet();
    const session = await b.open();
    const fetchAt = (id: number): Promise<Response> =>
      b.post(call(id, "fetch_url", argsOf("fetch_url")), { session });
    expect(await reasonOf(await fetchAt(1))).toBe("allowed");
    expect(await reason(a, "read_text_file")).toBe("allowed");
    expect(await reasonOf(await fetchAt(2))).toBe("taint_denied");
    expect(await reason(b, "fetch_url")).toBe("taint_denied");
    expect(b.callsReceived).toBe(1);
  });

  it("Redis killed: what needs it is refused, the rest goes on, and no approval holds afterwards", async () => {
    const { redis, store, a, b } = await fleet(1_000);
    await grant(store, 5);
    // a connection that begins later would need the store
    for (const rig of [a, b]) expect(await reason(rig, "echo")).toBe("allowed");
    await approved(b);
    const back = await approved(a);
    await redis.kill();
    for (const rig of [a, b]) {
      expect(await reason(rig, "write_file")).toBe("lease_required");
      expect(await reason(rig, "fetch_url")).toBe("taint_denied");
      expect(await bring(rig, back)).toBe("consent_refused");
      expect(await reason(rig, "echo")).toBe("allowed");
      expect(rig.callsReceived).toBe(2);
      expect(rig.reasons()).toEqual(
        expect.arrayContaining(["lease_required", "taint_denied", "consent_refused"]),
      );
    }
    // an empty one in its place grants nothing, and takes nothing that was sealed before
    await startRedis({ port: redis.port });
    for (const rig of [a, b]) {
      expect(await reason(rig, "write_file")).toMatch(/^lease_/);
      expect(await bring(rig, back)).toBe("consent_refused");
      expect(rig.callsReceived).toBe(2);
    }
  });
});
