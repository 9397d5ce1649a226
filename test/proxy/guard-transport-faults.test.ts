// A guarded transport whose other end fails, goes, or is given up; nothing passes by, nobody waits for ever.
import { describe, expect, it, vi } from "vitest";
import { ScopeGuard } from "../../src/guard/scope-guard.ts";
import { guardTransport, type TransportListener } from "../../src/proxy/guard-transport.ts";
import type { GuardRecord } from "../../src/proxy/records.ts";
import { FIXTURE_SERVER, MockMcpServer } from "../../src/testing/index.ts";
import { ALLOW_ALL } from "./rig.ts";
import { NOW_MS, SERVER_ID, worldOf } from "./transport-rig.ts";

const clock = (): number => NOW_MS;
const world = await worldOf({ allow: ALLOW_ALL });

interface Message {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly code: number; readonly data?: { readonly reason?: string } };
}

/** A transport that a test holds in its hands, in front of a mock server or of nothing. */
class FakeTransport {
  onmessage?: ((message: unknown, extra?: unknown) => void) | undefined;
  onclose?: (() => void) | undefined;
  onerror?: ((error: Error) => void) | undefined;
  readonly sent: { readonly message: Message; readonly options: unknown }[] = [];
  readonly hasPerRequestStream = true;
  sessionId: string | undefined;
  version = "";
  closed = 0;
  fails: ((message: Message) => boolean) | undefined;
  readonly server: MockMcpServer = new MockMcpServer(FIXTURE_SERVER);
  answers = true;

  async start(): Promise<void> {}

  async send(message: Message, options?: unknown): Promise<void> {
    if (this.fails?.(message) === true) throw new Error("the network is down");
    this.sent.push({ message, options });
    if (this.answers) this.answer(message);
  }

  answer(message: Message, extra?: unknown): void {
    const outputs = this.server.respond(JSON.stringify(message));
    const text = Buffer.concat(outputs.flatMap(({ chunks }) => chunks)).toString();
    for (const line of text.split("\n").slice(0, -1)) this.onmessage?.(JSON.parse(line), extra);
  }

  setProtocolVersion(version: string): void {
    this.version = version;
  }

  async close(): Promise<void> {
    this.closed += 1;
    this.onclose?.();
  }
}

function guarded(onDecision?: TransportListener) {
  const inner = new FakeTransport();
  const guard = ScopeGuard.fromCatalog(world.catalog, { clock });
  const records: GuardRecord[] = [];
  const options = { guard, serverId: SERVER_ID, onDecision };
  const outer = guardTransport(inner, { ...options, onRecord: (one) => void records.push(one) });
  const got: Message[] = [];
  const extras: unknown[] = [];
  const errors: string[] = [];
  outer.onmessage = (message, extra) => {
    got.push(JSON.parse(JSON.stringify(message)));
    extras.push(extra);
  };
  outer.onerror = ({ message }) => void errors.push(message);
  return { inner, outer, got, extras, errors, records };
}

const call = (id: number | string, name = "echo"): Message => ({
  ...{ jsonrpc: "2.0", id, method: "tools/call" },
  params: { name, arguments: { message: "hi" } },
});
const calls = (inner: FakeTransport): number => inner.server.callsReceived;

describe("a guarded transport", () => {
  it("shows what the inner one has, and nothing else of it", async () => {
    const { inner, outer } = guarded();
    expect(outer.hasPerRequestStream).toBe(true);
    expect("pid" in outer || "stderr" in outer || "sent" in outer || "server" in outer).toBe(false);
    inner.sessionId = "s-1";
    expect(outer.sessionId).toBe("s-1");
    outer.sessionId = "s-2";
    expect(inner.sessionId).toBe("s-2");
    outer.setProtocolVersion("2025-11-25");
    expect(inner.version).toBe("2025-11-25");
    expect(Object.getPrototypeOf(outer)).not.toHaveProperty("_dispose");
  });

  it("passes what goes with a message, in both directions, held ones included", async () => {
    const { inner, outer, got, extras } = guarded();
    await outer.start();
    const options = { relatedRequestId: 7, headers: { "Mcp-Param-x": "1" } };
    // held until the guard has listed
    await outer.send(call(1) as never, options as never);
    const sent = inner.sent.find(({ message }) => message.method === "tools/call");
    expect(sent).toMatchObject({ message: call(1), options });
    expect(inner.sent.filter(({ message }) => message.method !== "tools/call")).not.toEqual([]);
    expect(got).toMatchObject([{ id: 1, result: expect.anything() }]);
    inner.answers = false;
    await outer.send(call(2) as never);
    inner.answer(call(2), { requestInfo: "of the second" });
    expect(extras).toEqual([undefined, { requestInfo: "of the second" }]);
  });

  it("judges and sends one copy of a message that changes under it", async () => {
    const { inner, outer } = guarded();
    await outer.start();
    let reads = 0;
    const params = {
      arguments: { message: "hi" },
      get name() {
        reads += 1;
        return reads === 1 ? "echo" : "delete_file";
      },
    };
    await outer.send({ jsonrpc: "2.0", id: 1, method: "tools/call", params } as never);
    expect(inner.server.calls.map(({ name }) => name)).toEqual(["echo"]);
    expect(reads).toBe(1);
  });

  it("what is no message goes nowhere", async () => {
    const { inner, outer, got } = guarded();
    await outer.start();
    for (const message of [undefined, 5, "text", [call(1)], {}, null]) {
      await outer.send(message as never);
    }
    const cycle: Record<string, unknown> = { jsonrpc: "2.0" };
    cycle["self"] = cycle;
    await expect(outer.send(cycle as never)).rejects.toThrow(TypeError);
    expect(inner.sent).toEqual([]);
    expect(got.every(({ error }) => error !== undefined)).toBe(true);
  });

  it("a message over the size limit is refused with its id", async () => {
    const { inner, outer, got } = guarded();
    await outer.start();
    const params = { name: "echo", arguments: { message: "x".repeat(11 << 20) } };
    await outer.send({ jsonrpc: "2.0", id: 9, method: "tools/call", params } as never);
    expect(got).toMatchObject([{ id: 9, error: { code: 4403 } }]);
    expect(inner.sent).toEqual([]);
  });
});

describe("faults", () => {
  it("a call that cannot be sent fails its `send`, is no open request after, and is not answered", async () => {
    const { inner, outer, got } = guarded();
    await outer.start();
    inner.fails = ({ method }) => method === "tools/call";
    await expect(outer.send(call(1) as never)).rejects.toThrow("the network is down");
    expect(got).toEqual([]);
    inner.fails = undefined;
    await outer.send(call(1) as never);
    expect(got).toMatchObject([{ id: 1, result: expect.anything() }]);
  });

  it("where the guard cannot list, nothing is called and the client is told why", async () => {
    const { inner, outer, got, errors } = guarded();
    await outer.start();
    inner.fails = ({ method }) => method === "tools/list";
    await outer.send(call(1) as never);
    expect(got).toMatchObject([{ id: 1, error: { data: { reason: "server_not_admitted" } } }]);
    expect(errors[0]).toBe("the network is down");
    expect(calls(inner)).toBe(0);
  });

  it("a listener that throws ends the connection: nothing is passed on", async () => {
    const { inner, outer, errors } = guarded(({ reason }) => {
      if (reason === "allowed") throw new Error("no room in the log");
    });
    await outer.start();
    const ping = { jsonrpc: "2.0", id: 1, method: "tools/call", params: call(1).params };
    await expect(outer.send(ping as never)).rejects.toThrow("no room in the log");
    expect(calls(inner)).toBe(0);
    expect(inner.closed).toBe(1);
    expect(errors).toEqual(["no room in the log"]);
    await expect(outer.send(call(2) as never)).rejects.toThrow("no room in the log");
  });

  it("the end of the connection is told once; afterwards nothing is sent", async () => {
    const { inner, outer, got } = guarded();
    const onclose = vi.fn();
    outer.onclose = onclose;
    await outer.start();
    inner.answers = false;
    const held = outer.send(call(1) as never);
    inner.onclose?.();
    await held;
    await outer.close();
    expect(onclose).toHaveBeenCalledTimes(1);
    // the client fails its own requests when it hears of the end
    expect(got).toEqual([]);
    await expect(outer.send(call(2) as never)).rejects.toMatchObject({ code: "TRANSPORT_CLOSED" });
    inner.onmessage?.({ jsonrpc: "2.0", id: 1, result: {} });
    expect(got).toEqual([]);
  });

  it("handlers that were set on the inner transport are told, too", async () => {
    const inner = new FakeTransport();
    const told: string[] = [];
    inner.onerror = ({ message }) => void told.push(message);
    inner.onclose = () => void told.push("closed");
    const guard = ScopeGuard.fromCatalog(world.catalog, { clock });
    const outer = guardTransport(inner, { guard, serverId: SERVER_ID });
    await outer.start();
    inner.onerror?.(new Error("noise"));
    await outer.close();
    expect(told).toEqual(["noise", "closed"]);
  });
});

describe("a request that is given up", () => {
  it("by its signal: one that waits is never sent, one that was sent may be answered late", async () => {
    const { inner, outer, got, records } = guarded();
    await outer.start();
    inner.answers = false;
    const [first, second] = [new AbortController(), new AbortController()];
    const waiting = outer.send(call(1) as never, { requestSignal: first.signal } as never);
    first.abort();
    await waiting;
    inner.answers = true;
    const [listing] = inner.sent;
    if (listing === undefined) expect.fail("expected the guard's own listing");
    for (const { message } of [...inner.sent]) inner.answer(message);
    expect(inner.sent.some(({ message }) => message.method === "tools/call")).toBe(false);
    expect(records.some(({ detail }) => detail === "cancelled before it was sent")).toBe(true);
    inner.answers = false;
    await outer.send(call(2) as never, { requestSignal: second.signal } as never);
    second.abort();
    inner.answer(call(2));
    expect(got).toEqual([]);
    // the end of its own stream has told the server
    expect(inner.sent.some(({ message }) => message.method === "notifications/cancelled")).toBe(
      false,
    );
  });

  it("by the end of its stream: the client is told, and the id is free for nobody else's answer", async () => {
    const { inner, outer, got } = guarded();
    await outer.start();
    inner.answers = true;
    await outer.send(call(1) as never);
    inner.answers = false;
    const onRequestStreamEnd = vi.fn();
    await outer.send(call(2) as never, { onRequestStreamEnd } as never);
    const { options } = inner.sent.at(-1) ?? {};
    Reflect.get(Object(options), "onRequestStreamEnd")();
    expect(onRequestStreamEnd).toHaveBeenCalledTimes(1);
    inner.answer(call(2));
    expect(got).toMatchObject([{ id: 1 }]);
  });

  it("by a cancellation: its `send` ends although it was never sent", async () => {
    const { inner, outer } = guarded();
    await outer.start();
    inner.answers = false;
    const waiting = outer.send(call("a") as never);
    const params = { requestId: "a" };
    await outer.send({ jsonrpc: "2.0", method: "notifications/cancelled", params } as never);
    await waiting;
    expect(calls(inner)).toBe(0);
  });
});

describe("the other direction", () => {
  it("a response to a request nobody sent, and a request the catalog does not allow, do not pass", async () => {
    const closed = await worldOf({ allow: ["tools"] });
    const inner = new FakeTransport();
    const guard = ScopeGuard.fromCatalog(closed.catalog, { clock });
    const outer = guardTransport(inner, { guard, serverId: SERVER_ID });
    const got: unknown[] = [];
    outer.onmessage = (message) => void got.push(message);
    await outer.start();
    inner.onmessage?.({ jsonrpc: "2.0", id: 5, result: { tools: [] } });
    inner.onmessage?.({ jsonrpc: "2.0", id: 6, method: "sampling/createMessage", params: {} });
    inner.onmessage?.({
      jsonrpc: "2.0",
      id: "portcullis:1",
      method: "elicitation/create",
      params: {},
    });
    expect(got).toEqual([]);
    expect(inner.sent).toMatchObject([{ message: { id: 6, error: { code: 4403 } } }]);
  });
});
