// A connection whose store answers later, or not at all: the same answers in the same order as with one
// that answers at once; calls wait for it, other messages do not.
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { AuditSink } from "../../src/audit/event.ts";
import { GuardError } from "../../src/errors.ts";
import { sessionHash } from "../../src/guard/identity-hash.ts";
import { ScopeGuard } from "../../src/guard/scope-guard.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { FIXTURE_SERVER } from "../../src/testing/index.ts";
import { expectCode, NOW_MS } from "../fixtures/trust.ts";
import { asyncStore } from "../store/async-store.ts";
import {
  answered,
  calls,
  catalog,
  gateAt,
  leaseOf,
  PARTS,
  POLL,
  rigOf,
  rigWith,
  SILENT,
  UNTRUSTED,
} from "./async-rig.ts";
import { version } from "./reload-rig.ts";
import { call, modern, request } from "./rig.ts";

describe("calls in a row", () => {
  const story = (): readonly object[] => [
    ...[call(1, "echo"), call(2, "write_file"), call(3, "fetch_url"), call(4, "write_file")],
    ...[call(5, "write_file"), call(6, "read_text_file"), call(7, "fetch_url")],
    ...[call(8, "echo"), call(9, "unknown"), call(10, "delete_file"), call(11, "echo", {})],
  ];

  it("come to the same answers, reach the server in the same order, and leave the same behind", async () => {
    const sync = createMemoryStore();
    const lease = leaseOf(2);
    sync.putLease(lease);
    const atOnce = rigWith(sync);
    for (const message of story()) atOnce.send(message);
    const { rig, inner } = rigOf({ delayMsMax: 3 });
    inner.putLease(lease);
    // all of them before the store has said a word
    for (const message of story()) rig.send(message);
    const ids = story().map((message) => Number(Reflect.get(message, "id")));
    expect(await answered(rig, ...ids)).toEqual(ids.map((id) => atOnce.reason(id)));
    expect(atOnce.reason(7)).toBe("taint_denied");
    expect(atOnce.reason(5)).toBe("lease_exhausted");
    expect(calls(rig)).toEqual(calls(atOnce));
    expect(inner.listLeases()).toEqual(sync.listLeases());
    expect(inner.listSessions()).toEqual(sync.listSessions());
  });

  it("are recorded as they are with a store that answers at once", async () => {
    const recorder = (events: string[]): AuditSink => ({
      ...SILENT,
      append: (event) => {
        events.push(JSON.stringify([event.kind, event.tool, event.reason]));
        return true;
      },
    });
    const lease = leaseOf(1);
    const expected: string[] = [];
    const sync = createMemoryStore();
    sync.putLease(lease);
    const atOnce = rigWith(sync, { extra: { audit: recorder(expected) } });
    for (const message of story()) atOnce.send(message);
    const found: string[] = [];
    const { rig, inner } = rigOf({ delayMsMax: 2, extra: { audit: recorder(found) } });
    inner.putLease(lease);
    for (const message of story()) rig.send(message);
    await answered(rig, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
    expect(found).toEqual(expected);
  });

  it("whose record cannot be written are refused when they change state", async () => {
    const audit: AuditSink = { ...SILENT, append: () => false };
    const { rig, inner } = rigOf({ extra: { audit } });
    inner.putLease(leaseOf(1));
    rig.send(call(1, "write_file"));
    expect(await answered(rig, 1)).not.toEqual(["allowed"]);
    expect(rig.mock.callsReceived).toBe(0);
  });

  it("with k left and more asked at once by two connections: exactly k pass", async () => {
    const { store, inner } = asyncStore({ delayMsMax: 2 });
    inner.putLease(leaseOf(5));
    const rigs = [rigWith(store), rigWith(store)];
    const ids = [1, 2, 3, 4, 5, 6];
    for (const id of ids) for (const rig of rigs) rig.send(call(id, "write_file"));
    const reasons = (await Promise.all(rigs.map((rig) => answered(rig, ...ids)))).flat();
    expect(reasons.filter((reason) => reason === "allowed")).toHaveLength(5);
    expect(reasons.filter((reason) => reason === "lease_exhausted")).toHaveLength(7);
    expect(rigs.flatMap(calls)).toHaveLength(5);
  });
});

describe("while the store has not answered", () => {
  it("other messages pass, and nothing of the call has reached the server", async () => {
    const { gate, open, isReached } = gateAt("findLeases");
    const { rig } = rigOf({ gate });
    rig.send(call(1, "echo")).send(request(2, "ping")).send(request(3, "tools/list"));
    await vi.waitFor(() => expect(isReached()).toBe(true), POLL);
    expect(await answered(rig, 2, 3)).toEqual(["allowed", "allowed"]);
    expect(rig.answers(1)).toEqual([]);
    expect(rig.mock.callsReceived).toBe(0);
    expect(rig.send(call(1, "echo")).reason(1)).toBe("malformed_message");
    open();
    await vi.waitFor(() => expect(rig.mock.callsReceived).toBe(1), POLL);
  });

  it("a cancelled call is not sent, and its id is free again", async () => {
    const { gate, open } = gateAt("findLeases");
    const { rig } = rigOf({ gate });
    const cancelled = { method: "notifications/cancelled", params: { requestId: 1 } };
    rig.send(call(1, "echo")).send({ jsonrpc: "2.0", ...cancelled });
    rig.send(call(2, "echo"));
    open();
    expect(await answered(rig, 2)).toEqual(["allowed"]);
    expect(calls(rig)).toEqual([2]);
    expect(rig.upstream.join()).not.toContain("notifications/cancelled");
    rig.send(call(1, "echo"));
    expect(await answered(rig, 1)).toEqual(["allowed"]);
  });

  it("a server that ends answers what waits, and nothing is sent behind it", async () => {
    const { gate, open, isReached } = gateAt("findLeases");
    const { rig } = rigOf({ gate });
    rig.send(call(1, "echo"));
    await vi.waitFor(() => expect(isReached()).toBe(true), POLL);
    rig.session.serverGone("the server has ended");
    expect(rig.answer(1).error?.message).toContain("ended");
    open();
    rig.send(call(2, "echo"));
    expect(rig.answers(2)).toHaveLength(1);
    expect(rig.mock.callsReceived).toBe(0);
  });

  it.each([
    "findLeases",
    "consumeLease",
  ] as const)("a list that changes at %s does not let the call pass unlisted", async (name) => {
    const { gate, open, isReached } = gateAt(name);
    const { rig, inner } = rigOf({ gate });
    inner.putLease(leaseOf(3));
    rig.send(call(1, "write_file"));
    await vi.waitFor(() => expect(isReached()).toBe(true), POLL);
    const before = rig.mock.count("tools/list");
    rig.serverSends({ jsonrpc: "2.0", method: "notifications/tools/list_changed" });
    open();
    expect(await answered(rig, 1)).toEqual(["allowed"]);
    expect(rig.mock.count("tools/list")).toBe(before + 1);
  });

  it.each([
    "findLeases",
    "consumeLease",
  ] as const)("drift that shows at %s refuses the call", async (name) => {
    const { gate, open, isReached } = gateAt(name);
    const server = {
      ...FIXTURE_SERVER,
      drift: "description",
      target: "write_file",
      after: 1,
    } as const;
    const { rig, inner } = rigOf({ gate, server });
    inner.putLease(leaseOf(3));
    rig.send(call(1, "write_file"));
    await vi.waitFor(() => expect(isReached()).toBe(true), POLL);
    expect(rig.answers(1)).toEqual([]);
    rig.serverSends({ jsonrpc: "2.0", method: "notifications/tools/list_changed" });
    rig.send(request(2, "tools/list"));
    expect(rig.answers(2)).toHaveLength(1);
    open();
    expect(await answered(rig, 1)).toEqual(["fingerprint_drift"]);
    expect(rig.mock.callsReceived).toBe(0);
    expect(rig.records.findLast(({ tool }) => tool === "write_file")).toMatchObject({
      kind: "decision",
      reason: "fingerprint_drift",
    });
  });

  it("a subscription to a server that drifts meanwhile is refused", async () => {
    const { gate, open, isReached } = gateAt("addTaint");
    const uri = "file:///workspace/README.md";
    const server = { ...FIXTURE_SERVER, drift: "description", target: "echo", after: 1 } as const;
    const { rig } = rigOf({ gate, server });
    const notifications = { resourceSubscriptions: [uri] };
    rig.send(modern(request(1, "subscriptions/listen", { notifications })));
    await vi.waitFor(() => expect(isReached()).toBe(true), POLL);
    rig.serverSends({ jsonrpc: "2.0", method: "notifications/tools/list_changed" });
    rig.send(modern(request(2, "tools/list")));
    expect(rig.answers(2)).toHaveLength(1);
    open();
    expect(await answered(rig, 1)).toEqual(["server_not_admitted"]);
    expect(rig.mock.count("subscriptions/listen")).toBe(0);
  });

  it("a newer catalog decides the call, and the newest of two wins", async () => {
    const { gate, open, isReached } = gateAt("findLeases");
    const { rig } = rigOf({ gate, catalog: await version(7, PARTS), delayMsMax: 3 });
    rig.send(call(1, "echo")).send(call(2, "read_text_file"));
    await vi.waitFor(() => expect(isReached()).toBe(true), POLL);
    rig.session.replaceCatalog(await version(8, PARTS));
    const last = await version(9, {
      itemKeys: { ...PARTS.itemKeys, echo: 'requires = ["lease"]' },
    });
    rig.session.replaceCatalog(last);
    expectCode(() => rig.session.replaceCatalog(catalog), "CATALOG_ROLLBACK");
    await vi.waitFor(() => expect(rig.session.catalog.version).toBe(9), POLL);
    open();
    expect(await answered(rig, 1, 2)).toEqual(["lease_required", "allowed"]);
    expect(calls(rig)).toEqual([2]);
  });

  it("a newer catalog that cannot take over is told to the host that asks for it, else recorded", async () => {
    const fault = new GuardError("KERNEL_LOAD", "expected room for a kernel, got none");
    const told: unknown[] = [];
    const next = await version(8, PARTS);
    const { rig } = rigOf({ extra: { onKept: (why) => told.push(why) } });
    const { rig: other } = rigOf();
    // WHY: a kernel that cannot be had cannot be had in a test
    const make = vi.spyOn(ScopeGuard, "fromCatalog").mockImplementation(() => {
      throw fault;
    });
    onTestFinished(() => make.mockRestore());
    rig.session.replaceCatalog(next);
    other.session.replaceCatalog(next);
    await vi.waitFor(() => expect(told).toEqual([fault]), POLL);
    const kept = (): unknown => other.records.find(({ kind }) => kind === "reload")?.detail;
    await vi.waitFor(() => expect(kept()).toBe(`KERNEL_LOAD: ${fault.message}`), POLL);
    for (const one of [rig, other]) expect(one.session.catalog.version).toBe(7);
  });
});

describe("a store in trouble", () => {
  it("refuses what needs it, and lets pass what does not", async () => {
    let isGone = false;
    const { rig, inner } = rigOf({ fails: () => isGone });
    inner.putLease(leaseOf(9));
    rig.send(call(1, "write_file")).send(call(2, "fetch_url"));
    expect(await answered(rig, 1, 2)).toEqual(["allowed", "allowed"]);
    isGone = true;
    rig.send(call(3, "write_file")).send(call(4, "fetch_url")).send(call(5, "echo"));
    expect(await answered(rig, 3, 4, 5)).toEqual(["lease_required", "taint_denied", "allowed"]);
    expect(calls(rig)).toEqual([1, 2, 5]);
    isGone = false;
    rig.send(call(6, "write_file"));
    expect(await answered(rig, 6)).toEqual(["allowed"]);
    expect(inner.listLeases()[0]?.remaining).toBe(7);
  });

  it("that goes between reading and taking: refused, whether it was taken or not", async () => {
    const { rig, inner } = rigOf({ fails: (name) => name === "consumeLease" });
    inner.putLease(leaseOf(9));
    rig.send(call(1, "write_file"));
    expect(await answered(rig, 1)).toEqual(["lease_exhausted"]);
    expect(rig.mock.callsReceived).toBe(0);
  });

  it("a fault while a call is decided refuses that call, and the next one is decided", async () => {
    let isBroken = false;
    const clock = (): number => {
      if (isBroken) throw new Error("no time");
      return NOW_MS;
    };
    const { gate, open, isReached } = gateAt("findLeases");
    const { rig } = rigOf({ gate, extra: { clock } });
    rig.send(call(1, "echo"));
    await vi.waitFor(() => expect(isReached()).toBe(true), POLL);
    isBroken = true;
    open();
    expect(await answered(rig, 1)).toEqual(["internal_fault"]);
    isBroken = false;
    rig.send(call(2, "echo"));
    expect(await answered(rig, 2)).toEqual(["allowed"]);
    expect(calls(rig)).toEqual([2]);
  });

  it("keeps the labels of an allowed call with the process, also for the next connection", async () => {
    let isGone = true;
    const { store, inner } = asyncStore({ fails: (name) => isGone && name === "addTaint" });
    const first = rigWith(store);
    first.send(call(1, "read_text_file")).send(call(2, "fetch_url"));
    expect(await answered(first, 1, 2)).toEqual(["allowed", "taint_denied"]);
    const second = rigWith(store);
    second.send(call(3, "fetch_url"));
    expect(await answered(second, 3)).toEqual(["taint_denied"]);
    isGone = false;
    second.send(call(4, "read_text_file"));
    expect(await answered(second, 4)).toEqual(["allowed"]);
    await vi.waitFor(() => expect(inner.getTaint(sessionHash("s"))).toBe(UNTRUSTED), POLL);
  });
});
