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
import { utf8 } from "../bytes.ts";
import type {
  Catalog,
  CatalogItem,
  CatalogPrincipal,
  CatalogServer,
  ItemKind,
} from "../catalog/types.ts";
import { type Decision, type Layer, type Outcome, toDecision } from "../verdict.ts";

/** The principal when none is given. */
export const PRINCIPAL_DEFAULT = "local";

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

/** Who calls, as far as the catalog knows. */
export interface PrincipalMatch {
  readonly isKnown: boolean;
  /** Names of the scopes a call may need at most; `undefined` = no cap. */
  readonly scopeCap: readonly string[] | undefined;
}

/**
 * Finds the catalog's entry for a principal: exact, or one trailing `*`; the longest wins.
 *
 * Without a `[principals]` table everybody is known.
 */
export function matchPrincipal(
  catalog: Catalog,
  principal: string,
  serverId: string,
): PrincipalMatch {
  if (catalog.principals === undefined) return { isKnown: true, scopeCap: undefined };
  let best: CatalogPrincipal | undefined;
  for (const entry of catalog.principals) {
    if (!matchesPattern(entry.pattern, principal)) continue;
    if (best === undefined || isCloser(entry.pattern, best.pattern)) best = entry;
  }
  if (best === undefined) return { isKnown: false, scopeCap: [] };
  const mayUse = best.servers === undefined || best.servers.includes(serverId);
  return { isKnown: mayUse, scopeCap: best.scope };
}

function matchesPattern(pattern: string, principal: string): boolean {
  if (!pattern.endsWith("*")) return pattern === principal;
  return principal.startsWith(pattern.slice(0, -1));
}

/** The exact name is closer than any pattern, a longer pattern closer than a shorter one. */
function isCloser(pattern: string, other: string): boolean {
  const isExact = !pattern.endsWith("*");
  if (isExact !== !other.endsWith("*")) return isExact;
  return pattern.length > other.length;
}

/** The scope names that both caps grant; `undefined` = no cap. */
export function bothCaps(
  a: readonly string[] | undefined,
  b: readonly string[] | undefined,
): readonly string[] | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.filter((name) => b.includes(name));
}

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

/**
 * True when `uri` is of the form of a template: literal text, and variables of one or more UTF-8
 * bytes other than `/ ? # % \` and control characters (10-catalog section 1). No segment of the URI
 * is `.` or `..`, and its authority has as many `@` and `:` as that of the template: a URI parser
 * acts on both. The kernel's rule (assembly/template.ts). Linear in both, whatever the URI is.
 */
export function matchesTemplate(template: string, uri: string): boolean {
  if (!matchesLiterals(byteText(template), byteText(uri))) return false;
  if (uri.split(/[/?#]/).some((segment) => segment === "." || segment === "..")) return false;
  return authorityMarks(template) === authorityMarks(uri);
}

/** Both are byte texts. */
function matchesLiterals(template: string, uri: string): boolean {
  const literals = template.split(/\{[^}]*\}/);
  const first = literals[0] ?? "";
  if (!uri.startsWith(first)) return false;
  if (literals.length === 1) return uri === template;
  let at = first.length;
  for (const [index, literal] of literals.entries()) {
    if (index === 0) continue;
    const isLast = index === literals.length - 1;
    // a later variable may take over what an earlier one could have taken: the first match does
    const found = isLast ? uri.length - literal.length : uri.indexOf(literal, at + 1);
    if (found < at + 1 || !uri.startsWith(literal, found)) return false;
    if (NO_VARIABLE_BYTE.test(uri.slice(at, found))) return false;
    at = found + literal.length;
  }
  return at === uri.length;
}

/** Of a byte text: control characters, and the delimiters that a variable must not hold. */
const NO_VARIABLE_BYTE = /[^ -~\x80-\xff]|[/?#%\\]/;
const ASCII_ONLY = /^[ -~]*$/;

/** One character for each UTF-8 byte. */
function byteText(text: string): string {
  if (ASCII_ONLY.test(text)) return text;
  let bytes = "";
  for (const byte of utf8(text)) bytes += String.fromCharCode(byte);
  return bytes;
}

/** How many `@` and `:` stand between the first `//` and the next delimiter. */
function authorityMarks(text: string): number {
  const authority = /\/\/([^/?#]*)/.exec(text)?.[1] ?? "";
  return authority.length - authority.replace(/[@:]/g, "").length;
}
