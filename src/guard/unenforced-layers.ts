// Layers that the catalog asks for and the catalog guard alone cannot apply: their items are
// refused, never let through. Computed once an item, when a guard is made.
import {
  VERDICT_ARGUMENT_DENIED,
  VERDICT_CONSENT_REQUIRED,
  VERDICT_IDENTITY_UNKNOWN,
  VERDICT_LEASE_REQUIRED,
  VERDICT_POLICY_DENIED,
  VERDICT_TAINT_DENIED,
  VERDICT_TAINT_REVIEW,
  VERDICT_UNDECIDED,
} from "../abi/verdict.ts";
import type { Catalog, CatalogItem, CatalogServer, ItemKind } from "../catalog/types.ts";
import { type Decision, type Layer, type Outcome, toDecision } from "../verdict.ts";
import { matchesTemplate } from "./template-match.ts";

/** In which order contributors are asked (30-kernel section 3). */
const LAYER_ORDER: readonly Layer[] = [
  "kernel",
  "message",
  "feature",
  "catalog",
  "server",
  "item",
  "admission",
  "identity",
  "scope",
  "vetting",
  "arguments",
  "rules",
  "lease",
  "taint",
  "consent",
  "audit",
  "all",
];
const OUTCOME_ORDER: readonly Outcome[] = ["deny", "ask_user", "dry_run", "allow"];

export interface CombineOptions {
  /** For a question that comes without arguments. Default false: they are held to be refused. */
  readonly leavesOutArguments?: boolean;
}

/** What refuses the items of one server for one principal. */
export class UnenforcedLayers {
  readonly #refusals = new Map<CatalogItem, Decision>();
  /** The same without the layer of the arguments, where that layer refuses. */
  readonly #refusalsWithoutArguments = new Map<CatalogItem, Decision | undefined>();
  readonly #server: CatalogServer | undefined;
  readonly #templates: readonly CatalogItem[];

  constructor(catalog: Catalog, serverId: string, isKnownPrincipal: boolean) {
    const server = catalog.servers.get(serverId);
    const rules = catalog.rules.length > 0 ? [VERDICT_POLICY_DENIED] : [];
    const identity = isKnownPrincipal ? [] : [VERDICT_IDENTITY_UNKNOWN];
    this.#server = server;
    this.#templates = [...(server?.resourceTemplates.values() ?? [])];
    if (server === undefined) return;
    const { tools, prompts, resources, resourceTemplates } = server;
    for (const table of [tools, prompts, resources, resourceTemplates]) {
      for (const item of table.values()) {
        const codes = [...identity, ...rules, ...missingLayers(item)];
        const refusal = worst(codes.map(toDecision));
        if (refusal !== undefined) this.#refusals.set(item, refusal);
        if (!codes.includes(VERDICT_ARGUMENT_DENIED)) continue;
        const others = codes.filter((code) => code !== VERDICT_ARGUMENT_DENIED);
        this.#refusalsWithoutArguments.set(item, worst(others.map(toDecision)));
      }
    }
  }

  /**
   * The worst of the catalog guard's decision and of what this version cannot apply.
   *
   * A URI that is no pinned resource is held to every template that matches it.
   *
   * @param kind `resource` for every URI
   * @param options never to be given for a call that may be forwarded
   */
  combine(
    decision: Decision,
    kind: ItemKind,
    name: string,
    options: CombineOptions = {},
  ): Decision {
    const items = this.#itemsNamed(kind, name);
    // what the kernel allows and this cannot find is not let through
    if (items.length === 0 && decision.outcome === "allow") return toDecision(VERDICT_UNDECIDED);
    const found = items
      .map((item) => this.#refusalOf(item, options))
      .filter((refusal) => refusal !== undefined);
    return worst([decision, ...found]) ?? decision;
  }

  #refusalOf(
    item: CatalogItem,
    { leavesOutArguments = false }: CombineOptions,
  ): Decision | undefined {
    const isLeftOut = leavesOutArguments && this.#refusalsWithoutArguments.has(item);
    return (isLeftOut ? this.#refusalsWithoutArguments : this.#refusals).get(item);
  }

  #itemsNamed(kind: ItemKind, name: string): CatalogItem[] {
    const server = this.#server;
    if (server === undefined) return [];
    if (kind === "tool" || kind === "prompt") {
      const item = (kind === "tool" ? server.tools : server.prompts).get(name);
      return item === undefined ? [] : [item];
    }
    const resource = server.resources.get(name);
    if (resource !== undefined) return [resource];
    return this.#templates.filter((template) => matchesTemplate(template.name, name));
  }
}

/** The verdicts of the layers that an item needs and this version lacks. */
function missingLayers(item: CatalogItem): number[] {
  const codes: number[] = [];
  if (item.args.size > 0) codes.push(VERDICT_ARGUMENT_DENIED);
  if (item.requires.includes("lease")) codes.push(VERDICT_LEASE_REQUIRED);
  if (item.stopsTaint.length > 0) {
    codes.push(item.taintOutcome === "deny" ? VERDICT_TAINT_DENIED : VERDICT_TAINT_REVIEW);
  }
  if (item.requires.includes("consent")) codes.push(VERDICT_CONSENT_REQUIRED);
  return codes;
}

/** The worst outcome; among equals the layer that is asked first. */
function worst(decisions: readonly Decision[]): Decision | undefined {
  let found: Decision | undefined;
  for (const decision of decisions) {
    if (found === undefined || rank(decision) < rank(found)) found = decision;
  }
  return found;
}

function rank(decision: Decision): number {
  const outcome = OUTCOME_ORDER.indexOf(decision.outcome);
  return outcome * LAYER_ORDER.length + LAYER_ORDER.indexOf(decision.layer);
}
