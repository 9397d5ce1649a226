// A guarded transport between real clients and a server that keeps count.
import { describe, expect, it } from "vitest";
import { RecentAuditLog } from "../../src/audit/recent-log.ts";
import { MCPGateway } from "../../src/guard/gateway.ts";
import { createRequestIdentity } from "../../src/guard/identity.ts";
import { createScopeLease } from "../../src/guard/lease.ts";
import { ScopeGuard } from "../../src/guard/scope-guard.ts";
import { buildServerCard } from "../../src/guard/server-card.ts";
import { guardTransport } from "../../src/proxy/guard-transport.ts";
import { FIXTURE_TOOLS } from "../../src/testing/fixtures.ts";
import { ATTACKS, FIXTURE_SERVER, MockMcpServer } from "../../src/testing/index.ts";
import { FIXTURE_ARGUMENTS } from "../fixtures/calls.ts";
import { expectCode } from "../fixtures/trust.ts";
import { asyncStore } from "../store/async-store.ts";
import { ALLOW_ALL } from "./rig.ts";
import { CLIENTS, NOW_MS, SERVER_ID, worldOf } from "./transport-rig.ts";

const clock = (): number => NOW_MS;
const ECHO = { name: "echo", arguments: { message: "hi" } };
const world = await worldOf({ allow: ALLOW_ALL });
/** What a parser loses, or refuses, before a wrapper sees anything; the bytes are for `run` and `serve`. */
const BELOW_THE_PARSER: ReadonlySet<string> = new Set([
  ...["B9-duplicate-member", "B9-duplicate-nested-member", "B9-deep"],
  ...["B9-bom", "B9-invalid-utf8", "B9-control-character"],
]);
const CLASSES = [...ATTACKS].filter(
  ([name, { attackClass, call }]) =>
    attackClass !== undefined && call.line === undefined && !BELOW_THE_PARSER.has(name),
);

function call(name: string): { name: string; arguments: Record<string, unknown> } {
  return { name, arguments: { ...FIXTURE_ARGUMENTS.get(name) } };
}

describe.each(CLIENTS)("$name", ({ era, make }) => {
  it("works as it does without a guard, and every call is on record", async () => {
    const direct = make();
    await direct.connect(new MockMcpServer(FIXTURE_SERVER).transport() as never);
    const server = new MockMcpServer(FIXTURE_SERVER);
    const log = world.log();
    const guard = ScopeGuard.fromCatalog(world.catalog, { clock });
    const transport = guardTransport(server.transport(), {
      guard,
      serverId: SERVER_ID,
      audit: log,
    });
    expect(transport.audit).toBe(log);
    const client = make();
    await client.connect(transport as never);
    const [listed, known] = [await client.listTools(), await direct.listTools()];
    // the one byte of a listing that a guard changes: nobody else may keep it
    expect({ ...listed, cacheScope: "" }).toEqual({ ...known, cacheScope: "" });
    expect(await client.callTool(ECHO)).toEqual(await direct.callTool(ECHO));
    expect(server.calls).toEqual([ECHO]);
    expect(server.count("server/discover")).toBe(era === "modern" ? 1 : 0);
    await client.close();
    await direct.close();
    log.close();
    const report = await world.replay(log);
    expect(report).toMatchObject({ ok: true, findings: [], frames: 1, refusals: 0 });
  });

  it.each(
    CLASSES,
  )("%s: refused, the server saw no call, and a record says why", async (_, attack) => {
    const { switches, call: attempt, expectedReason } = attack;
    const server = new MockMcpServer({ ...FIXTURE_SERVER, ...switches });
    const log = world.log();
    const decisions: string[] = [];
    const { scopeCap } = attempt;
    const guard = ScopeGuard.fromCatalog(world.catalog, {
      clock,
      ...(scopeCap !== undefined && { scopeCap }),
    });
    const transport = guardTransport(server.transport(), {
      guard,
      serverId: attempt.server ?? SERVER_ID,
      audit: log,
      onDecision: ({ reason }, { tool }) => void decisions.push(`${tool} ${reason}`),
    });
    const client = make();
    const attempts = async (): Promise<unknown> => {
      await client.connect(transport as never);
      // what the agent saw first may be honest
      await client.listTools().catch(() => undefined);
      return await client.callTool({ name: attempt.name, arguments: { ...attempt.arguments } });
    };
    // a client that may not speak to the server at all names that in its own way
    const code = expectedReason === "unknown_server" ? expect.anything() : 4403;
    await expect(attempts()).rejects.toMatchObject({ code });
    expect(server.callsReceived).toBe(0);
    expect(decisions.at(-1)).toMatch(new RegExp(` ${expectedReason}$`));
    await client.close();
    log.close();
    const report = await world.replay(log);
    expect(report.findings).toEqual([]);
    expect(report.refusals).toBeGreaterThan(0);
    const text = new TextDecoder().decode(log.toInput().records as Uint8Array);
    expect(text).toContain(`"reason":"${expectedReason}"`);
  });

  it("asks its person through the client, and takes yes and no for what they are", async () => {
    const asking = await worldOf({
      allow: ALLOW_ALL,
      itemKeys: { delete_file: 'requires = ["consent"]' },
    });
    const answers: ({ action: "accept"; content: object } | { action: "decline" })[] = [
      { action: "decline" },
      { action: "accept", content: { approve: true } },
    ];
    const server = new MockMcpServer(FIXTURE_SERVER);
    const guard = ScopeGuard.fromCatalog(asking.catalog, { clock });
    const client = make(() => answers.shift() ?? { action: "decline" });
    const transport = guardTransport(server.transport(), { guard, serverId: SERVER_ID });
    await client.connect(transport as never);
    await expect(client.callTool(call("delete_file"))).rejects.toMatchObject({ code: 4403 });
    expect(server.callsReceived).toBe(0);
    expect(JSON.stringify(await client.callTool(call("delete_file")))).toContain("delete_file");
    expect(server.callsReceived).toBe(1);
    await client.close();
  });
});

describe("what decides", () => {
  it("a gateway's leases, labels, rules and log hold on the wire as they do in evaluate", async () => {
    const leased = await worldOf({
      allow: ALLOW_ALL,
      itemKeys: { write_file: 'requires = ["lease"]' },
    });
    const identity = createRequestIdentity({ principal: "agent:one", sessionId: "s" });
    const log = leased.log();
    const gateway = new MCPGateway({
      catalog: leased.catalog,
      audit: log,
      clock,
      rules: [
        {
          policyId: "no-fetch",
          evaluate: (name) => (name === "fetch_url" ? "deny" : undefined),
        },
      ],
    });
    const server = new MockMcpServer(FIXTURE_SERVER);
    const [kind] = CLIENTS;
    const client = kind?.make();
    if (client === undefined) throw new Error("expected a client");
    const transport = guardTransport(server.transport(), {
      gateway,
      serverId: SERVER_ID,
      identity,
    });
    await client.connect(transport as never);
    await expect(client.callTool(call("write_file"))).rejects.toMatchObject({ code: 4403 });
    const { principalHash } = identity;
    const terms = { serverId: SERVER_ID, grantedTools: ["write_file"], maxInvocations: 1, clock };
    await gateway.grantLease(createScopeLease({ principalHash, stateChanging: true, ...terms }));
    await client.callTool(call("write_file"));
    await expect(client.callTool(call("write_file"))).rejects.toMatchObject({ code: 4403 });
    expect(server.calls.map(({ name }) => name)).toEqual(["write_file"]);
    await client.close();
    log.close();
    expect(await leased.replay(log)).toMatchObject({ ok: true, frames: 3, refusals: 2 });
  });

  it("takes a store that answers later, and does not start where that cannot be asked", async () => {
    const leased = await worldOf({
      allow: ALLOW_ALL,
      itemKeys: { write_file: 'requires = ["lease"]' },
    });
    const identity = createRequestIdentity({ principal: "agent:one", sessionId: "s" });
    const failing = new Set<string>();
    const { store } = asyncStore({ delayMsMax: 3, fails: (name) => failing.has(name) });
    const gateway = new MCPGateway({ catalog: leased.catalog, store, clock });
    const { principalHash } = identity;
    const terms = { serverId: SERVER_ID, grantedTools: ["write_file"], maxInvocations: 2, clock };
    await gateway.grantLease(createScopeLease({ principalHash, stateChanging: true, ...terms }));
    const options = { gateway, serverId: SERVER_ID, identity };
    for (const { make } of CLIENTS) {
      const server = new MockMcpServer(FIXTURE_SERVER);
      const client = make();
      await client.connect(guardTransport(server.transport(), options) as never);
      await client.callTool(ECHO);
      await client.callTool(call("write_file")).catch(() => undefined);
      expect(server.calls.length).toBeLessThanOrEqual(2);
      await client.close();
    }
    expect(await store.listLeases()).toMatchObject([{ remaining: 0 }]);
    const deaf = new MockMcpServer(FIXTURE_SERVER);
    const stopped = guardTransport(deaf.transport(), {
      ...options,
      onDecision: (_, { method }) => {
        if (method === "tools/call") throw new Error("no room in the log");
      },
    });
    await stopped.start();
    const params = { ...ECHO };
    const sent = stopped.send({ jsonrpc: "2.0", id: 1, method: "tools/call", params });
    await expect(sent).rejects.toThrow("no room in the log");
    expect(deaf.callsReceived).toBe(0);
    failing.add("listDrift");
    const server = new MockMcpServer(FIXTURE_SERVER);
    const transport = guardTransport(server.transport(), options);
    await expect(transport.send({} as never)).rejects.toMatchObject({ code: "TRANSPORT_CLOSED" });
    await expect(transport.start()).rejects.toThrow();
    expect(server.received).toEqual([]);
  });

  it("keeps the newest records where no log is named, and none where none is wanted", async () => {
    const server = new MockMcpServer(FIXTURE_SERVER);
    const guard = ScopeGuard.fromCatalog(world.catalog, { clock });
    const options = { guard, serverId: SERVER_ID };
    const transport = guardTransport(server.transport(), options);
    const client = CLIENTS[0]?.make();
    await client?.connect(transport as never);
    await client?.callTool(ECHO);
    const recent = transport.audit;
    if (!(recent instanceof RecentAuditLog)) expect.fail("expected the newest records");
    expect(recent.events().filter(({ kind }) => kind === "call")).toHaveLength(1);
    expect(guardTransport(server.transport(), { ...options, audit: "none" }).audit).toBeUndefined();
    await client?.close();
  });

  it("what cannot be a judge is refused at once", () => {
    const transport = new MockMcpServer().transport();
    const guard = ScopeGuard.fromCatalog(world.catalog);
    const cards = [
      buildServerCard({ serverId: "a", tools: FIXTURE_TOOLS, operatorVerified: true }),
    ];
    const gateway = new MCPGateway({ serverCards: cards });
    const serverId = SERVER_ID;
    for (const options of [
      {},
      { guard, gateway },
      { guard: {} },
      { gateway: { evaluate: () => undefined } },
      { gateway },
      { guard, identity: { principal: "root" } },
    ]) {
      expectCode(
        () => guardTransport(transport, { serverId, ...options } as never),
        "ARGUMENT_INVALID",
      );
    }
  });
});
