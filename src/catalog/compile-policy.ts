// Rules and principals of a catalog as the image holds them (src/abi/layout.ts): conditions become
// masks and lists of indices, so that the kernel compares numbers alone.
import * as frame from "../abi/frame.ts";
import * as layout from "../abi/layout.ts";
import { GuardError } from "../errors.ts";
import { EFFECT_CODES, setScope, taintMask } from "./compile-masks.ts";
import { type IndexList, IndexLists } from "./index-lists.ts";
import { coveredRange, PatternTable, principalPatterns } from "./principal-patterns.ts";
import type { Catalog, CatalogPrincipal, CatalogRule, RuleCondition } from "./types.ts";

const OUTCOME_CODES: Readonly<Record<CatalogRule["then"], number>> = {
  deny: frame.OUTCOME_DENY,
  ask_user: frame.OUTCOME_ASK_USER,
  dry_run: frame.OUTCOME_DRY_RUN,
};
const VETTING_CODES: Readonly<Record<NonNullable<RuleCondition["vettingAtLeast"]>, number>> = {
  low: frame.VETTING_LOW,
  medium: frame.VETTING_MEDIUM,
  high: frame.VETTING_HIGH,
  critical: frame.VETTING_CRITICAL,
};

/** Where the image has what a catalog names. */
export interface ImageIndices {
  readonly servers: ReadonlyMap<string, number>;
  /** The items of any kind and server that have a name. */
  itemsNamed(name: string): Iterable<number>;
}

interface PrincipalRow {
  readonly declared: CatalogPrincipal | undefined;
  readonly servers: IndexList | undefined;
}

interface RuleRow {
  readonly rule: CatalogRule;
  readonly servers: IndexList | undefined;
  readonly items: IndexList | undefined;
  readonly principals: IndexList | undefined;
}

/** The three sections, ready to be written. */
export class PolicySections {
  readonly #catalog: Catalog;
  readonly #lists = new IndexLists();
  readonly #principals: readonly PrincipalRow[];
  readonly #rules: readonly RuleRow[];

  /** @throws {GuardError} IMAGE_LIMIT when its lists are too long */
  constructor(catalog: Catalog, indices: ImageIndices) {
    this.#catalog = catalog;
    const patterns = principalPatterns(catalog);
    const declared = new PatternTable(
      (catalog.principals ?? []).map((entry) => [entry.pattern, entry] as const),
    );
    this.#principals = patterns.map((pattern) => {
      const entry = declared.covering(pattern);
      return { declared: entry, servers: this.#servers(entry?.servers, indices) };
    });
    this.#rules = catalog.rules.map((rule) => ({
      rule,
      servers: this.#servers(rule.when.server, indices),
      items: this.#list("tool", rule.when.tool, (name) => indices.itemsNamed(name)),
      principals: this.#list("principal", rule.when.principal, (pattern) =>
        rangeOf(coveredRange(patterns, pattern)),
      ),
    }));
  }

  get principalCount(): number {
    return this.#principals.length;
  }

  get ruleCount(): number {
    return this.#rules.length;
  }

  get listCount(): number {
    return this.#lists.size;
  }

  #servers(ids: readonly string[] | undefined, indices: ImageIndices): IndexList | undefined {
    return this.#list("server", ids, (id) => {
      const index = indices.servers.get(id);
      if (index !== undefined) return [index];
      throw new GuardError("IMAGE_INVALID", "expected the id of a server in this catalog");
    });
  }

  /** The list of everything that one of `names` stands for; `undefined` without a condition. */
  #list(
    what: string,
    names: readonly string[] | undefined,
    indicesOf: (name: string) => Iterable<number>,
  ): IndexList | undefined {
    if (names === undefined) return undefined;
    const key = JSON.stringify([what, ...[...names].sort()]);
    return this.#lists.add(key, function* () {
      for (const name of names) yield* indicesOf(name);
    });
  }

  /** Writes the three sections where the header says they are. */
  write(view: DataView, principalsAt: number, rulesAt: number, listsAt: number): void {
    for (const [index, row] of this.#principals.entries()) {
      writePrincipal(view, principalsAt + index * layout.PRINCIPAL_SIZE, row, this.#catalog);
    }
    for (const [index, row] of this.#rules.entries()) {
      writeRule(view, rulesAt + index * layout.RULE_SIZE, row, this.#catalog);
    }
    this.#lists.write(view, listsAt);
  }
}

function* rangeOf({ start, end }: { start: number; end: number }): Generator<number> {
  for (let index = start; index < end; index++) yield index;
}

/** First word and count; two zeros where there is no list. */
function writeList(view: DataView, at: number, list: IndexList | undefined): void {
  view.setUint32(at, list?.first ?? 0, true);
  view.setUint32(at + 4, list?.count ?? 0, true);
}

function writePrincipal(view: DataView, at: number, row: PrincipalRow, catalog: Catalog): void {
  const { declared, servers } = row;
  const flags =
    (declared === undefined ? 0 : layout.PRINCIPAL_FLAG_DECLARED) |
    (declared?.scope === undefined ? 0 : layout.PRINCIPAL_FLAG_CAP) |
    (servers === undefined ? 0 : layout.PRINCIPAL_FLAG_SERVERS);
  view.setUint32(at + layout.PRINCIPAL_OFFSET_FLAGS, flags, true);
  writeList(view, at + layout.PRINCIPAL_OFFSET_SERVERS_FIRST, servers);
  setScope(view, at + layout.PRINCIPAL_OFFSET_CAP, catalog, declared?.scope ?? []);
}

function writeRule(view: DataView, at: number, row: RuleRow, catalog: Catalog): void {
  const { when, then } = row.rule;
  const flags =
    (row.servers === undefined ? 0 : layout.RULE_FLAG_SERVERS) |
    (row.items === undefined ? 0 : layout.RULE_FLAG_ITEMS) |
    (row.principals === undefined ? 0 : layout.RULE_FLAG_PRINCIPALS);
  const level = when.vettingAtLeast;
  view.setUint8(at + layout.RULE_OFFSET_OUTCOME, OUTCOME_CODES[then]);
  view.setUint8(at + layout.RULE_OFFSET_FLAGS, flags);
  view.setUint8(at + layout.RULE_OFFSET_EFFECTS, effectMask(when));
  view.setUint8(
    at + layout.RULE_OFFSET_VETTING,
    level === undefined ? frame.VETTING_NONE : VETTING_CODES[level],
  );
  view.setUint8(at + layout.RULE_OFFSET_FACTS_TRUE, factMask(when, true));
  view.setUint8(at + layout.RULE_OFFSET_FACTS_FALSE, factMask(when, false));
  writeList(view, at + layout.RULE_OFFSET_SERVERS_FIRST, row.servers);
  writeList(view, at + layout.RULE_OFFSET_ITEMS_FIRST, row.items);
  writeList(view, at + layout.RULE_OFFSET_PRINCIPALS_FIRST, row.principals);
  setScope(view, at + layout.RULE_OFFSET_SCOPE, catalog, when.scope ?? []);
  view.setInt32(at + layout.RULE_OFFSET_TAINT_ALL, taintMask(catalog, when.taintAll ?? []), true);
  view.setInt32(at + layout.RULE_OFFSET_TAINT_ANY, taintMask(catalog, when.taintAny ?? []), true);
}

function effectMask(when: RuleCondition): number {
  if (when.effect === undefined) return layout.EFFECTS_ALL;
  return when.effect.reduce((mask, effect) => mask | (1 << EFFECT_CODES[effect]), 0);
}

/** The facts that the conditions want to be `value`. */
function factMask(when: RuleCondition, value: boolean): number {
  return (
    (when.stateChanging === value ? layout.RULE_FACT_STATE_CHANGING : 0) |
    (when.lease === value ? layout.RULE_FACT_LEASE : 0) |
    (when.consent === value ? layout.RULE_FACT_CONSENT : 0)
  );
}
