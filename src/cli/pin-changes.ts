// Live manifest against pins: what is new, what changed, what is gone, and what to write.
import type { ItemPin, ServerPins } from "../catalog/edit.ts";
import type { CatalogItem, CatalogServer, Effect, ItemKind } from "../catalog/types.ts";
import { fingerprintInstructions } from "../manifest/fingerprint.ts";
import type { LiveDefinition, LiveServer } from "./live-server.ts";
import { type Proposal, propose } from "./propose.ts";

/** `left_out`: new, and it would need more than `max_allowed_scope`; it is not pinned. */
export type Change = "added" | "changed" | "missing" | "removed" | "left_out";

/** One difference between a server and its pins. */
export interface PinChange {
  readonly kind: ItemKind | "instructions";
  readonly name: string;
  readonly change: Change;
  /** Accepted digests before; the first is the current one. */
  readonly expected: readonly string[];
  /** The live digest. */
  readonly actual?: string;
  /** Of what is added or left out; for the operator to review. */
  readonly proposed?: Proposal;
}

export interface PinPlan {
  readonly changes: readonly PinChange[];
  readonly pins: ServerPins;
  /** How many live definitions were looked at. */
  readonly offered: number;
  /** Every scope proposed for what is pinned anew. */
  readonly proposedScopes: readonly string[];
}

export interface PlanOptions {
  /** What the catalog pins; `undefined` for a new server. */
  readonly server: CatalogServer | undefined;
  /** Take out what the server does not offer now. */
  readonly prunes: boolean;
}

const KINDS: readonly ItemKind[] = ["tool", "prompt", "resource", "resource_template"];

/** Compares a server with its pins. */
export function planPins(live: LiveServer, options: PlanOptions): PinPlan {
  const { server, prunes } = options;
  const changes: PinChange[] = [];
  const scopes = new Set<string>();
  const pins = new Map<ItemKind, Map<string, ItemPin>>(KINDS.map((kind) => [kind, new Map()]));
  const seen = new Set<string>();
  for (const definition of live.definitions) {
    const { kind, name } = definition;
    seen.add(itemKey(kind, name));
    const { change, pin } = judge(definition, server);
    if (change !== undefined) changes.push(change);
    if (pin === undefined) continue;
    pins.get(kind)?.set(name, pin);
    if (change?.change === "added") for (const scope of pin.scope) scopes.add(scope);
  }
  const gone = pinnedItems(server).filter(({ kind, name }) => !seen.has(itemKey(kind, name)));
  for (const { kind, name, fingerprints } of gone) {
    changes.push({ kind, name, change: prunes ? "removed" : "missing", expected: fingerprints });
  }
  const instructions = judgeInstructions(live.instructions, server);
  if (instructions !== undefined) changes.push(instructions);
  const table = (kind: ItemKind): ReadonlyMap<string, ItemPin> => pins.get(kind) ?? new Map();
  return {
    changes,
    offered: seen.size,
    proposedScopes: [...scopes].sort(),
    pins: {
      tools: table("tool"),
      prompts: table("prompt"),
      resources: table("resource"),
      resourceTemplates: table("resource_template"),
      ...(instructions?.actual === undefined ? {} : { instructions: instructions.actual }),
      ...(prunes ? { removed: gone.map(({ kind, name }) => ({ kind, name })) } : {}),
    },
  };
}

/** Every pinned item of a server. */
export function pinnedItems(server: CatalogServer | undefined): readonly CatalogItem[] {
  if (server === undefined) return [];
  const { tools, prompts, resources, resourceTemplates } = server;
  return [tools, prompts, resources, resourceTemplates].flatMap((items) => [...items.values()]);
}

/** A key for one item of a server. */
export function itemKey(kind: ItemKind, name: string): string {
  return JSON.stringify([kind, name]);
}

function judge(
  definition: LiveDefinition,
  server: CatalogServer | undefined,
): { readonly change?: PinChange; readonly pin?: ItemPin } {
  const { kind, name, fingerprint } = definition;
  const pinned = pinnedItem(server, kind, name);
  if (pinned !== undefined) {
    const { scope, effect, fingerprints } = pinned;
    const pin = { fingerprint, scope, effect };
    if (fingerprints.includes(fingerprint)) return { pin };
    const change: PinChange = {
      kind,
      name,
      change: "changed",
      expected: fingerprints,
      actual: fingerprint,
    };
    return { change, pin };
  }
  const proposed = propose(definition.subject);
  const fits =
    server === undefined || proposed.scope.every((one) => server.maxAllowedScope.includes(one));
  const change: PinChange = {
    kind,
    name,
    change: fits ? "added" : "left_out",
    expected: [],
    actual: fingerprint,
    proposed,
  };
  return fits ? { change, pin: pinOf(fingerprint, proposed.scope, proposed.effect) } : { change };
}

function pinOf(fingerprint: string, scope: readonly string[], effect: Effect): ItemPin {
  return { fingerprint, scope, effect };
}

function judgeInstructions(
  text: string | undefined,
  server: CatalogServer | undefined,
): PinChange | undefined {
  const expected = server?.instructions;
  const actual = fingerprintInstructions(text ?? "");
  const empty = fingerprintInstructions("");
  if (actual === (expected ?? empty)) return undefined;
  const change = expected === undefined || expected === empty ? "added" : "changed";
  return {
    kind: "instructions",
    name: "",
    change,
    expected: expected === undefined ? [] : [expected],
    actual,
  };
}

function pinnedItem(
  server: CatalogServer | undefined,
  kind: ItemKind,
  name: string,
): CatalogItem | undefined {
  if (server === undefined) return undefined;
  const { tools, prompts, resources, resourceTemplates } = server;
  const tables = { tool: tools, prompt: prompts, resource: resources };
  return kind === "resource_template" ? resourceTemplates.get(name) : tables[kind].get(name);
}
