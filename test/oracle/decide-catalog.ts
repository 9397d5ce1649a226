// The oracle's own model of a catalog with policy, and its TOML.
import { serverFingerprintOfPins } from "../../src/manifest/fingerprint.ts";
import { BUILT_IN_SCOPES } from "./check.ts";

export type Effect = "read" | "write" | "destructive" | "external";
export type ItemKind = "tool" | "prompt" | "resource" | "resource_template";

export interface PolicyItem {
  readonly kind: ItemKind;
  readonly name: string;
  /** `sha256:<hex>` */
  readonly fingerprints: readonly string[];
  readonly scope: readonly string[];
  readonly effect: Effect;
  readonly requires: readonly ("lease" | "consent")[];
  readonly addsTaint: readonly string[];
  readonly stopsTaint: readonly string[];
  readonly taintOutcome: "ask_user" | "deny";
}

export interface PolicyServer {
  readonly id: string;
  readonly operatorVerified: boolean;
  readonly items: readonly PolicyItem[];
}

export interface PolicyPrincipal {
  readonly pattern: string;
  readonly scope?: readonly string[];
  readonly servers?: readonly string[];
}

/** As in the catalog: a member that is absent is no condition. */
export interface PolicyWhen {
  readonly server?: readonly string[];
  readonly tool?: readonly string[];
  readonly effect?: readonly Effect[];
  readonly scope?: readonly string[];
  readonly principal?: readonly string[];
  readonly taint_all?: readonly string[];
  readonly taint_any?: readonly string[];
  readonly vetting_at_least?: "low" | "medium" | "high" | "critical";
  readonly state_changing?: boolean;
  readonly lease?: boolean;
  readonly consent?: boolean;
}

export interface PolicyRule {
  readonly id: string;
  readonly when: PolicyWhen;
  readonly outcome: "deny" | "ask_user" | "dry_run";
}

export interface PolicyCatalog {
  readonly expiresMs: number;
  readonly operatorScopes: readonly string[];
  readonly operatorTaints: readonly string[];
  readonly servers: readonly PolicyServer[];
  /** Absent: everybody may call. */
  readonly principals?: readonly PolicyPrincipal[];
  readonly rules: readonly PolicyRule[];
}

export const KIND_ORDER: readonly ItemKind[] = ["tool", "prompt", "resource", "resource_template"];
const TABLES: Readonly<Record<ItemKind, string>> = {
  tool: "tools",
  prompt: "prompts",
  resource: "resources",
  resource_template: "resource_templates",
};

/** A TOML basic string or array of them: JSON's escapes are TOML's. */
function toml(value: unknown): string {
  return JSON.stringify(value);
}

function itemText(server: PolicyServer, item: PolicyItem): string {
  return `[servers.${server.id}.${TABLES[item.kind]}.${toml(item.name)}]
fingerprint = ${toml(item.fingerprints)}
scope = ${toml(item.scope)}
effect = ${toml(item.effect)}
requires = ${toml(item.requires)}
adds_taint = ${toml(item.addsTaint)}
stops_taint = ${toml(item.stopsTaint)}
taint_outcome = ${toml(item.taintOutcome)}
`;
}

function serverText(server: PolicyServer, scopes: readonly string[]): string {
  const pins = (kind: ItemKind): Map<string, string> =>
    new Map(
      server.items
        .filter((item) => item.kind === kind)
        .map((item) => [item.name, item.fingerprints[0] ?? ""]),
    );
  const fingerprint = serverFingerprintOfPins({
    tools: pins("tool"),
    prompts: pins("prompt"),
    resources: pins("resource"),
    resourceTemplates: pins("resource_template"),
    instructions: undefined,
  });
  return `[servers.${server.id}]
command = ["node", "server.js"]
fingerprint = "${fingerprint}"
max_allowed_scope = ${toml(scopes)}
operator_verified = ${server.operatorVerified}
${server.items.map((item) => itemText(server, item)).join("")}`;
}

function principalText({ pattern, scope, servers }: PolicyPrincipal): string {
  return `[principals.${toml(pattern)}]
${scope === undefined ? "" : `scope = ${toml(scope)}\n`}${servers === undefined ? "" : `servers = ${toml(servers)}\n`}`;
}

function ruleText({ id, when, outcome }: PolicyRule): string {
  const conditions = Object.entries(when).map(([key, value]) => `${key} = ${toml(value)}`);
  return `[[rules]]
id = ${toml(id)}
when = { ${conditions.join(", ")} }
then = ${toml(outcome)}
`;
}

/** The catalog as the operator writes it. */
export function policyCatalogText(catalog: PolicyCatalog): string {
  const scopes = [...BUILT_IN_SCOPES, ...catalog.operatorScopes];
  const instant = (ms: number): string => new Date(ms).toISOString().replace(".000Z", "Z");
  const described = (names: readonly string[]): string =>
    names.map((name) => `${toml(name)} = "described"\n`).join("");
  const principals =
    catalog.principals === undefined
      ? ""
      : `[principals]\n${catalog.principals.map(principalText).join("")}`;
  return `schema = 1
id = "acme-agents"
version = 1
issued = ${instant(catalog.expiresMs - 86_400_000)}
expires = ${instant(catalog.expiresMs)}
[scopes]
${described(catalog.operatorScopes)}[taints]
${described(catalog.operatorTaints)}${catalog.servers.map((server) => serverText(server, scopes)).join("")}
${principals}${catalog.rules.map(ruleText).join("")}`;
}
