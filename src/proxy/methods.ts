// Every method of every MCP revision: its feature, its direction, its revisions (50-proxy section 2).
import type { CatalogServer, Feature, ItemKind } from "../catalog/types.ts";

/** Who may send it: the client, the server, or either. */
export type Sender = "client" | "server" | "both";

export interface MethodRow {
  /** `core`: needed by every server, allowed for every server of the catalog. */
  readonly feature: Feature | "core";
  readonly sender: Sender;
  /** First and last revision that has it. */
  readonly since: Revision;
  readonly until: Revision;
}

/** The revisions of the protocol; the last one is the modern era. */
export type Revision = "2024-11-05" | "2025-03-26" | "2025-06-18" | "2025-11-25" | "2026-07-28";

const FIRST = "2024-11-05";
const LEGACY_LAST = "2025-11-25";
const MODERN = "2026-07-28";

function row(
  feature: MethodRow["feature"],
  sender: Sender,
  since: Revision = FIRST,
  until: Revision = MODERN,
): MethodRow {
  return { feature, sender, since, until };
}

/**
 * Method -> row. Compared byte for byte; what is not here is not known.
 *
 * `tasks/update` and `notifications/tasks` belong to the modern extension
 * `io.modelcontextprotocol/tasks`; sampling, elicitation and roots are embedded in results there.
 */
export const METHODS: ReadonlyMap<string, MethodRow> = new Map([
  ["initialize", row("core", "client", FIRST, LEGACY_LAST)],
  ["notifications/initialized", row("core", "client", FIRST, LEGACY_LAST)],
  ["ping", row("core", "both", FIRST, LEGACY_LAST)],
  ["server/discover", row("core", "client", MODERN)],
  ["subscriptions/listen", row("core", "client", MODERN)],
  ["notifications/subscriptions/acknowledged", row("core", "server", MODERN)],
  ["notifications/cancelled", row("core", "both")],
  ["notifications/progress", row("core", "both")],
  ["notifications/message", row("logging", "server")],
  ["logging/setLevel", row("logging", "client", FIRST, LEGACY_LAST)],
  ["tools/list", row("tools", "client")],
  ["tools/call", row("tools", "client")],
  ["notifications/tools/list_changed", row("tools", "server")],
  ["prompts/list", row("prompts", "client")],
  ["prompts/get", row("prompts", "client")],
  ["notifications/prompts/list_changed", row("prompts", "server")],
  ["resources/list", row("resources", "client")],
  ["resources/templates/list", row("resources", "client")],
  ["resources/read", row("resources", "client")],
  ["resources/subscribe", row("resources", "client", FIRST, LEGACY_LAST)],
  ["resources/unsubscribe", row("resources", "client", FIRST, LEGACY_LAST)],
  ["notifications/resources/list_changed", row("resources", "server")],
  ["notifications/resources/updated", row("resources", "server")],
  ["completion/complete", row("completions", "client")],
  ["sampling/createMessage", row("sampling", "server")],
  ["elicitation/create", row("elicitation", "server", "2025-06-18")],
  ["notifications/elicitation/complete", row("elicitation", "server", LEGACY_LAST, LEGACY_LAST)],
  ["roots/list", row("roots", "server")],
  ["notifications/roots/list_changed", row("roots", "client", FIRST, LEGACY_LAST)],
  ["tasks/get", row("tasks", "both", LEGACY_LAST)],
  ["tasks/result", row("tasks", "both", LEGACY_LAST, LEGACY_LAST)],
  ["tasks/cancel", row("tasks", "both", LEGACY_LAST)],
  ["tasks/list", row("tasks", "both", LEGACY_LAST, LEGACY_LAST)],
  ["tasks/update", row("tasks", "client", MODERN)],
  ["notifications/tasks/status", row("tasks", "both", LEGACY_LAST, LEGACY_LAST)],
  ["notifications/tasks", row("tasks", "server", MODERN)],
]);

/** The four listings: which kind, and which member of the result holds the definitions. */
export interface ListingRow {
  readonly kind: ItemKind;
  readonly method: string;
  readonly member: string;
  readonly feature: Feature;
}

export const LISTINGS: readonly ListingRow[] = [
  { kind: "tool", method: "tools/list", member: "tools", feature: "tools" },
  { kind: "prompt", method: "prompts/list", member: "prompts", feature: "prompts" },
  { kind: "resource", method: "resources/list", member: "resources", feature: "resources" },
  {
    kind: "resource_template",
    method: "resources/templates/list",
    member: "resourceTemplates",
    feature: "resources",
  },
];

/** Listing by method. */
export const LISTING_OF_METHOD: ReadonlyMap<string, ListingRow> = new Map(
  LISTINGS.map((listing) => [listing.method, listing]),
);

/** Notification that a list has changed -> the kinds that are unverified again. */
export const CHANGED_KINDS: ReadonlyMap<string, readonly ItemKind[]> = new Map([
  ["notifications/tools/list_changed", ["tool"]],
  ["notifications/prompts/list_changed", ["prompt"]],
  ["notifications/resources/list_changed", ["resource", "resource_template"]],
] satisfies [string, readonly ItemKind[]][]);

/** The methods that pass for one server of the catalog: its features, and its own `methods`. */
export class AllowedMethods {
  readonly #features: ReadonlySet<string>;
  readonly #extra: ReadonlySet<string>;

  /** @param server `undefined` for one the catalog does not name: then nothing passes */
  constructor(server: CatalogServer | undefined) {
    this.#features = new Set(server === undefined ? [] : ["core", ...server.allow]);
    this.#extra = new Set(server?.methods ?? []);
  }

  /** True when `sender` may send `method`. A listed method adds a name and overrides no row. */
  allows(method: string, sender: "client" | "server"): boolean {
    const known = METHODS.get(method);
    if (known === undefined) return this.#extra.has(method);
    return this.hasFeature(known.feature) && (known.sender === "both" || known.sender === sender);
  }

  hasFeature(feature: Feature | "core"): boolean {
    return this.#features.has(feature);
  }
}
