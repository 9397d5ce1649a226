// A gateway over a signed catalog in which every layer has a tool of its own, and a sink that records.
import { expect } from "vitest";
import type { AuditEvent, AuditSink } from "../../src/audit/event.ts";
import { TrustedCatalog } from "../../src/catalog/trusted.ts";
import { type GatewayOptions, MCPGateway } from "../../src/guard/gateway.ts";
import type { EvaluateRequest, GatewayDecision } from "../../src/guard/gateway-types.ts";
import { createRequestIdentity, type RequestIdentity } from "../../src/guard/identity.ts";
import { createScopeLease, type ScopeLeaseOptions } from "../../src/guard/lease.ts";
import { fingerprintTool, serverFingerprintOfPins } from "../../src/manifest/fingerprint.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { Lease } from "../../src/store/records.ts";
import type { SyncStateStore } from "../../src/store/types.ts";
import { NOW_MS, signedCatalog, signedRoot } from "../fixtures/trust.ts";

export { NOW_MS };

export interface Tool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: object;
}

function tool(name: string, description = `Does ${name}.`, inputSchema: object = ANY): Tool {
  return { name, description, inputSchema };
}

const ANY = { type: "object" };

export const TOOLS = {
  read: tool("read"),
  quiet: tool("quiet"),
  write: tool("write"),
  send: tool("send"),
  both: tool("both"),
  inbox: tool("inbox"),
  post: tool("post"),
  share: tool("share"),
  erase: tool("erase"),
  bounded: tool("bounded"),
  typed: tool("typed", "Does typed.", {
    type: "object",
    properties: { count: { type: "integer" } },
    required: ["count"],
    additionalProperties: false,
  }),
  hidden: tool("hidden", "Reads a note.\u{e0041}\u{e0042}"),
} as const;

export type ToolName = keyof typeof TOOLS;

const TERMS: Readonly<Record<ToolName, string>> = {
  read: 'scope = ["fs.read"]\neffect = "read"',
  quiet: 'scope = ["fs.read"]\neffect = "read"\nadds_taint = []',
  write: 'scope = ["fs.write"]\neffect = "write"\nadds_taint = []\nrequires = ["lease"]',
  send: 'scope = ["net.send"]\neffect = "external"\nadds_taint = []\nrequires = ["consent"]',
  both: 'scope = ["net.send"]\neffect = "external"\nadds_taint = []\nrequires = ["lease", "consent"]',
  inbox: 'scope = ["fs.read"]\neffect = "read"\nadds_taint = ["private"]',
  post: 'scope = ["net.send"]\neffect = "external"\nadds_taint = []\nstops_taint = ["private"]\ntaint_outcome = "deny"',
  share: 'scope = ["net.send"]\neffect = "external"\nadds_taint = []\nstops_taint = ["private"]',
  erase: 'scope = ["fs.delete"]\neffect = "destructive"',
  bounded: `scope = ["fs.read"]\neffect = "read"\nadds_taint = []\n[servers.files.tools.bounded.args]\n"/path" = { under = ["/data"] }\n"/url" = { host = ["*.example.org"] }\n"/note" = { max_length = 5 }`,
  typed: 'scope = ["fs.read"]\neffect = "read"\nadds_taint = []',
  hidden: 'scope = ["fs.read"]\neffect = "read"',
};

const RULES = `
[[rules]]
id = "try-erase"
when = { effect = ["destructive"] }
then = "dry_run"
`;

export interface CatalogChanges {
  /** Lines of the server's table. */
  readonly server?: string;
  /** Text behind the server, instead of the one rule. */
  readonly rest?: string;
}

/** The text of the catalog of the server `files`, and of `mail` with the tools inbox and post alone. */
export function gatewayCatalogText(changes: CatalogChanges = {}): string {
  const { server = "", rest = RULES } = changes;
  const names = Object.keys(TOOLS).filter((name): name is ToolName => name in TOOLS);
  return `schema = 1
id = "acme-agents"
version = 1
issued = 2026-11-20T00:00:00Z
expires = 2027-02-20T00:00:00Z
${serverText("files", names, server)}
${serverText("mail", ["inbox", "post"], "")}
${rest}`;
}

/** Its envelope. */
export function signedGatewayCatalog(changes?: CatalogChanges): Uint8Array {
  return signedCatalog(gatewayCatalogText(changes));
}

/** Its trusted form. */
export function openGatewayCatalog(changes?: CatalogChanges): Promise<TrustedCatalog> {
  const envelope = signedGatewayCatalog(changes);
  return TrustedCatalog.open({ envelope, root: signedRoot(), clock: () => NOW_MS });
}

function serverText(id: string, names: readonly ToolName[], lines: string): string {
  const pins = new Map(names.map((name) => [name, fingerprintTool(TOOLS[name])]));
  const none = new Map<string, string>();
  const fingerprint = serverFingerprintOfPins({
    ...{ tools: pins, prompts: none, resources: none, resourceTemplates: none },
    instructions: undefined,
  });
  const items = names.map(
    (name) => `[servers.${id}.tools.${name}]
fingerprint = "${pins.get(name)}"
${TERMS[name].replaceAll("servers.files", `servers.${id}`)}
`,
  );
  return `[servers.${id}]
command = ["node", "server.js"]
fingerprint = "${fingerprint}"
max_allowed_scope = ["fs.read", "fs.write", "fs.delete", "net.send"]
${lines}
${items.join("")}`;
}

/** Keeps every event; `isAvailable` and what `append` says can be set. */
export class RecordingSink implements AuditSink {
  isAvailable = true;
  writes = true;
  /** Decisions. */
  readonly events: AuditEvent[] = [];
  readonly listings: AuditEvent[] = [];

  append(event: AuditEvent): boolean {
    const { events, listings } = this;
    (event.kind === "list" ? listings : events).push(event);
    return this.writes;
  }

  flush(): void {
    // everything is kept at once
  }

  close(): void {
    // nothing is open
  }
}

export const ALICE: RequestIdentity = identityOf("alice", "s1");

export function identityOf(
  principal: string,
  sessionId: string,
  parent?: RequestIdentity,
): RequestIdentity {
  return createRequestIdentity({ principal, sessionId, parent, clock: () => NOW_MS });
}

export interface Rig {
  readonly gateway: MCPGateway;
  readonly store: SyncStateStore;
  readonly sink: RecordingSink;
  /** ms since the epoch; may be set. */
  nowMs: number;
  /** Puts a lease for tools of `files` in force. */
  readonly grant: (tools: readonly string[], changes?: Partial<ScopeLeaseOptions>) => Lease;
  /** Asks with the pinned definition. */
  readonly ask: (name: ToolName, changes?: Partial<EvaluateRequest>) => GatewayDecision;
}

let opened: Promise<TrustedCatalog> | undefined;

/** A gateway of the catalog above. */
export async function rigOf(
  options: Partial<Omit<GatewayOptions, "catalog" | "serverCards">> = {},
  changes?: CatalogChanges,
): Promise<Rig> {
  opened ??= openGatewayCatalog();
  const catalog = await (changes === undefined ? opened : openGatewayCatalog(changes));
  const store = createMemoryStore();
  const sink = new RecordingSink();
  const settings = { store, audit: sink, clock: () => rig.nowMs, ...options };
  const gateway = new MCPGateway({ catalog, ...settings });
  const rig: Rig = {
    ...{ gateway, store, sink, nowMs: NOW_MS },
    grant: (tools, terms = {}) => {
      const lease = createScopeLease({
        principalHash: ALICE.principalHash,
        serverId: "files",
        grantedTools: tools,
        stateChanging: true,
        clock: () => rig.nowMs,
        ...terms,
      });
      expect(gateway.grantLease(lease)).toBe(true);
      return lease;
    },
    ask: (name, request = {}) =>
      gateway.evaluate({
        ...{ identity: ALICE, serverId: "files", tool: TOOLS[name], args: {} },
        ...request,
      }),
  };
  return rig;
}

/** `outcome reason` of a decision. */
export function told({ invocation }: GatewayDecision): string {
  return `${invocation.decision} ${invocation.reason}`;
}

/** Asserts a refusal that took nothing, with an event that holds both frames. */
export function expectRefused(rig: Rig, decision: GatewayDecision, expected: string): void {
  expect(told(decision)).toBe(expected);
  expect(decision.lease).toBeUndefined();
  expect(decision.taint.added).toEqual([]);
  const event = rig.sink.events.at(-1);
  expect(event).toMatchObject({
    kind: "call",
    decision: decision.invocation.decision,
    reason: decision.invocation.reason,
  });
  expect(event?.input).toHaveLength(576);
  expect(event?.output?.length).toBeGreaterThanOrEqual(64);
}
