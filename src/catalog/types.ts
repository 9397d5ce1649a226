// The parsed catalog (10-catalog section 1). Data only; `parseCatalog` is the one maker.

/** What a tool does to the world. All but `read` are state-changing. */
export type Effect = "read" | "write" | "destructive" | "external";

/** The four kinds of pinned items. */
export type ItemKind = "tool" | "prompt" | "resource" | "resource_template";

/** What an MCP server may offer or ask for. */
export type Feature =
  | "tools"
  | "prompts"
  | "resources"
  | "completions"
  | "sampling"
  | "elicitation"
  | "roots"
  | "logging"
  | "tasks";

export type ConsentChannel = "elicitation" | "terminal" | "web";
export type Requirement = "lease" | "consent";

/** Predicates on one argument (40-gateway section 4); all that are present must hold. */
export interface ArgumentConstraint {
  readonly under?: readonly string[];
  readonly host?: readonly string[];
  readonly scheme?: readonly string[];
  readonly oneOf?: readonly (string | number | boolean)[];
  readonly prefix?: readonly string[];
  /** UTF-8 bytes. */
  readonly maxLength?: number;
  readonly min?: number;
  readonly max?: number;
  readonly absent?: true;
}

/** One pinned tool, prompt, resource or resource template. */
export interface CatalogItem {
  readonly kind: ItemKind;
  /** `name`, `uri` or `uriTemplate`. */
  readonly name: string;
  /** Accepted item digests, `sha256:<hex>`, at least one; the first is the current one. */
  readonly fingerprints: readonly string[];
  readonly scope: readonly string[];
  readonly effect: Effect;
  readonly requires: readonly Requirement[];
  readonly addsTaint: readonly string[];
  readonly stopsTaint: readonly string[];
  readonly taintOutcome: "ask_user" | "deny";
  readonly vettingAccept: readonly string[];
  /** JSON pointer -> constraint. */
  readonly args: ReadonlyMap<string, ArgumentConstraint>;
}

export interface CatalogServer {
  readonly id: string;
  /** argv; exactly one of `command` and `url` is set. */
  readonly command: readonly string[] | undefined;
  readonly url: string | undefined;
  /** Header name -> environment variable. */
  readonly headerEnv: ReadonlyMap<string, string>;
  readonly env: readonly string[];
  readonly fingerprint: string;
  readonly maxAllowedScope: readonly string[];
  readonly operatorVerified: boolean;
  readonly allow: readonly Feature[];
  readonly methods: readonly string[];
  readonly onDrift: "block-server" | "block-tool";
  /** The instructions digest, `sha256:<hex>`, when pinned. */
  readonly instructions: string | undefined;
  readonly consentChannels: readonly ConsentChannel[];
  readonly tools: ReadonlyMap<string, CatalogItem>;
  readonly prompts: ReadonlyMap<string, CatalogItem>;
  readonly resources: ReadonlyMap<string, CatalogItem>;
  readonly resourceTemplates: ReadonlyMap<string, CatalogItem>;
}

export interface CatalogPrincipal {
  /** Exact, or with one trailing `*`. */
  readonly pattern: string;
  /** Cap on every call; `undefined` = none. */
  readonly scope: readonly string[] | undefined;
  /** `undefined` = all. */
  readonly servers: readonly string[] | undefined;
}

/** Conditions of a rule; all that are present must hold, at least one is. */
export interface RuleCondition {
  readonly server?: readonly string[];
  readonly tool?: readonly string[];
  readonly effect?: readonly Effect[];
  readonly scope?: readonly string[];
  readonly principal?: readonly string[];
  readonly taintAll?: readonly string[];
  readonly taintAny?: readonly string[];
  readonly vettingAtLeast?: "low" | "medium" | "high" | "critical";
  readonly stateChanging?: boolean;
  readonly lease?: boolean;
  readonly consent?: boolean;
}

export interface CatalogRule {
  readonly id: string;
  readonly when: RuleCondition;
  readonly then: "deny" | "ask_user" | "dry_run";
}

export interface Catalog {
  readonly id: string;
  readonly version: number;
  /** ms since the epoch. */
  readonly issuedMs: number;
  /** ms since the epoch; `now >= expiresMs` is expired. */
  readonly expiresMs: number;
  /** Every scope, built-in ones included -> bit 0..127. */
  readonly scopeBits: ReadonlyMap<string, number>;
  /** Every taint label, built-in ones included -> bit 0..31. */
  readonly taintBits: ReadonlyMap<string, number>;
  /** Operator scopes and labels with their descriptions. */
  readonly scopes: ReadonlyMap<string, string>;
  readonly taints: ReadonlyMap<string, string>;
  readonly servers: ReadonlyMap<string, CatalogServer>;
  /** `undefined` when the table is absent: then every principal is accepted. */
  readonly principals: readonly CatalogPrincipal[] | undefined;
  readonly rules: readonly CatalogRule[];
}
