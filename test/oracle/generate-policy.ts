// Seeded random catalogs with policy: servers, items, rules and perhaps principals.
import type {
  Effect,
  ItemKind,
  PolicyCatalog,
  PolicyItem,
  PolicyPrincipal,
  PolicyRule,
  PolicyServer,
  PolicyWhen,
} from "./decide-catalog.ts";
import type { Names, Random } from "./random.ts";

export const EXPIRES_MS = 1_800_000_000_000;

const SCOPES: Names = ["fs.read", "fs.write", "net.send", "admin", "zz.last", "a.first"];
const TAINTS: Names = ["untrusted", "private", "secret", "customer", "board"];
const EFFECTS: readonly [Effect, ...Effect[]] = ["read", "write", "destructive", "external"];
const LEVELS = ["low", "medium", "high", "critical"] as const;
const PATTERNS: Names = [
  "bob",
  "bob*",
  "agent:*",
  "agent:research-*",
  "agent:research-1",
  "*",
  "é*",
];
export const PRINCIPALS: Names = [
  "bob",
  "bobby",
  "agent:x",
  "agent:research-1",
  "agent:research-12",
  "nobody",
  "",
  "élan",
  "bob*",
];
const NAMES: Readonly<Record<ItemKind, Names>> = {
  tool: ["read", "write", "Read", "é", "__proto__"],
  prompt: ["read", "plan"],
  resource: ["file:///a/b", "mem://x"],
  resource_template: ["file:///a/{name}"],
};
const KINDS: readonly ItemKind[] = ["tool", "prompt", "resource", "resource_template"];

export function someOf<T>(random: Random, list: readonly T[], percent: number): T[] {
  return list.filter(() => random.chance(percent));
}

function oneOrMore<T>(random: Random, list: readonly [T, ...T[]], percent: number): T[] {
  const some = someOf(random, list, percent);
  return some.length > 0 ? some : [random.pick(list)];
}

function randomHex(random: Random): string {
  return Array.from({ length: 8 }, () =>
    random
      .below(2 ** 32)
      .toString(16)
      .padStart(8, "0"),
  ).join("");
}

function randomItem(random: Random, kind: ItemKind, name: string): PolicyItem {
  const digests = Array.from({ length: random.pick([1, 1, 1, 3]) }, () => randomHex(random));
  return {
    kind,
    name,
    fingerprints: digests.map((digest) => `sha256:${digest}`),
    scope: oneOrMore(random, SCOPES, 30),
    effect: random.pick(EFFECTS),
    requires: someOf(random, ["lease", "consent"] as const, 25),
    addsTaint: someOf(random, TAINTS, 30),
    stopsTaint: random.chance(30) ? oneOrMore(random, TAINTS, 25) : [],
    taintOutcome: random.pick(["ask_user", "deny"]),
  };
}

function randomServer(random: Random, id: string): PolicyServer {
  const items = KINDS.flatMap((kind) =>
    someOf(random, NAMES[kind], 50).map((name) => randomItem(random, kind, name)),
  );
  return { id, operatorVerified: random.chance(80), items };
}

function randomWhen(random: Random, ids: readonly string[]): PolicyWhen {
  const all: PolicyWhen = {
    server: random.shuffle(ids).slice(0, 1 + random.below(2)),
    tool: oneOrMore(random, ["read", "write", "plan", "mem://x", "nothing"], 30),
    effect: oneOrMore(random, EFFECTS, 40),
    scope: oneOrMore(random, SCOPES, 25),
    principal: oneOrMore(random, PATTERNS, 25),
    taint_all: oneOrMore(random, TAINTS, 15),
    taint_any: oneOrMore(random, TAINTS, 25),
    vetting_at_least: random.pick(LEVELS),
    state_changing: random.chance(50),
    lease: random.chance(30),
    consent: random.chance(30),
  };
  const kept = random.shuffle(Object.entries(all)).slice(0, 1 + random.below(3));
  const when: PolicyWhen = Object.fromEntries(kept);
  return ids.length > 0 || when.server === undefined ? when : { state_changing: true };
}

function randomRules(random: Random, ids: readonly string[]): PolicyRule[] {
  const count = random.pick([0, 0, 1, 2, 3, 5, 9, 63, 64, 65, 130]);
  return Array.from({ length: count }, (_, index) => ({
    id: `rule-${index}`,
    when: randomWhen(random, ids),
    outcome: random.pick(
      count > 9 ? ["ask_user", "ask_user", "dry_run"] : ["deny", "ask_user", "dry_run"],
    ),
  }));
}

function randomPrincipal(random: Random, pattern: string, ids: readonly string[]): PolicyPrincipal {
  const isCapped = random.chance(40);
  const isBound = random.chance(40);
  return {
    pattern,
    ...(isCapped ? { scope: someOf(random, SCOPES, 85) } : {}),
    ...(isBound ? { servers: someOf(random, ids, 75) } : {}),
  };
}

/** A catalog of up to three servers, with rules and perhaps with principals. */
export function randomPolicyCatalog(random: Random): PolicyCatalog {
  const ids = someOf(random, ["web", "files", "git"], 80);
  const servers = ids.map((id) => randomServer(random, id));
  const declared = someOf(random, PATTERNS, 40).map((pattern) =>
    randomPrincipal(random, pattern, ids),
  );
  return {
    expiresMs: EXPIRES_MS,
    operatorScopes: ["zz.last", "a.first"],
    operatorTaints: ["customer", "board"],
    servers,
    ...(random.chance(50) ? { principals: declared } : {}),
    rules: randomRules(random, ids),
  };
}
