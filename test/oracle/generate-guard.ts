// Seeded random guard cases: a catalog, what its servers say of themselves now, and calls.
import {
  BUILT_IN_SCOPES,
  type OracleCatalog,
  type OracleItem,
  type OracleRequest,
  type OracleServer,
} from "./check.ts";
import { fingerprintItem, instructionsDigest, KINDS, type Kind } from "./fingerprint.ts";
import { randomDefinition } from "./generate-manifest.ts";
import { createRandom, type Random } from "./random.ts";

export interface GuardCase {
  readonly catalog: OracleCatalog;
  /** Server id -> its live manifests in order (files as `fingerprintFile` reads them). */
  readonly live: ReadonlyMap<string, readonly Uint8Array[]>;
  readonly requests: readonly OracleRequest[];
}

interface Definition {
  readonly kind: Kind;
  readonly name: string;
  readonly text: string;
}

const OPERATOR_SCOPES: readonly [string, ...string[]] = [
  "payments.refund",
  "a",
  "a.b",
  "a-b",
  "a_b",
  "crm.read",
  "zz",
];
const NAMES: Readonly<Record<Kind, readonly [string, ...string[]]>> = {
  tool: ["read", "write", "Read", "read ", "é", "e\u0301", "__proto__", "toString", "t\u200d"],
  prompt: ["summarise", "read", "plan"],
  resource: ["file:///a/b", "file:///a/b?x", "file:///a/", "mem://x", "file:///a/é"],
  resource_template: [
    "file:///a/{name}",
    "file:///{dir}/b",
    "mem://{x}",
    "db://{t}/rows/{id}",
    "m{a}.{b}x",
  ],
};
const STRANGE_NAMES: readonly [string, ...string[]] = [
  "nobody",
  "READ",
  "file:///a/c",
  "file:///a/c/d",
  "file:///a/%2e",
  "file:///a/c#d",
  "file:///q/b",
  "mem://",
  "mem://y",
  "db://t/rows/1",
  "m.x",
  "m1.2x",
  "",
  "constructor",
];
const EXPIRES_MS = 1_800_000_000_000;
const KIND_NAMES: readonly [Kind, ...Kind[]] = ["tool", "prompt", "resource", "resource_template"];
const encoder = new TextEncoder();

function someOf<T>(random: Random, list: readonly T[], percent: number): T[] {
  return list.filter(() => random.chance(percent));
}

function randomScopes(random: Random, scopes: readonly string[]): string[] {
  const chosen = random.shuffle(scopes).slice(0, 1 + random.below(3));
  return chosen.length > 0 ? chosen : ["fs.read"];
}

function digestOf(kind: Kind, text: string): string | undefined {
  return fingerprintItem(kind, encoder.encode(text)).fingerprint;
}

/** A definition that can be pinned. */
function pinnable(random: Random, kind: Kind, name: string): Definition {
  const nameMember = KINDS.find((row) => row.kind === kind)?.nameMember ?? "name";
  const text = randomDefinition(random, nameMember, name);
  if (digestOf(kind, text) !== undefined) return { kind, name, text };
  return { kind, name, text: `{${JSON.stringify(nameMember)}:${JSON.stringify(name)}}` };
}

function randomDefinitions(random: Random): Definition[] {
  return KINDS.flatMap(({ kind }) =>
    someOf(random, NAMES[kind], kind === "tool" ? 50 : 25).map((name) =>
      pinnable(random, kind, name),
    ),
  );
}

/** Another definition of the same name, or one that cannot be read. */
function drifted(random: Random, definition: Definition): Definition {
  const inside = definition.text.trim().slice(1, -1).trim();
  const extra = random.pick(['"zz":1', '"zz":null', '"zz":""', '"zz":1e400', '"zz":{"a":1,"a":2}']);
  return { ...definition, text: `{${inside},${extra}}` };
}

/** The same definition for the eye of a canonical form: other white space. */
function respelled(definition: Definition): Definition {
  return { ...definition, text: ` \n${definition.text}\t ` };
}

function liveManifest(
  random: Random,
  definitions: readonly Definition[],
  told: string,
): Uint8Array {
  const isClean = random.chance(50);
  const seen: Definition[] = [];
  for (const definition of definitions) {
    if (random.chance(8)) continue;
    const hasDrift = !isClean && random.chance(15);
    seen.push(hasDrift ? drifted(random, definition) : respelled(definition));
    if (!isClean && random.chance(4)) seen.push(definition);
  }
  if (!isClean && random.chance(25)) seen.push(pinnable(random, "tool", "smuggled"));
  const parts = KINDS.map(({ kind, list }) => {
    const texts = random.shuffle(seen.filter((item) => item.kind === kind)).map(({ text }) => text);
    return texts.length === 0 && random.chance(50) ? undefined : `"${list}":[${texts.join(",")}]`;
  }).filter((part) => part !== undefined);
  const instructions = isClean || random.chance(85) ? told : `${told}!`;
  if (instructions !== "" || random.chance(50)) {
    parts.push(`"instructions":${JSON.stringify(instructions)}`);
  }
  const text = `{${random.shuffle(parts).join(",")}}`;
  return encoder.encode(random.chance(2) ? text.slice(0, -1) : text);
}

function randomServer(
  random: Random,
  id: string,
  scopes: readonly string[],
): { readonly server: OracleServer; readonly live: readonly Uint8Array[] } {
  const definitions = randomDefinitions(random);
  const items = definitions.map(({ kind, name, text }): OracleItem => {
    const digest = digestOf(kind, text) ?? "";
    const other = digestOf(kind, text.replace(/\}\s*$/, ',"era":"legacy"}')) ?? digest;
    const fingerprints = random.chance(15) && other !== digest ? [other, digest] : [digest];
    return { kind, name, fingerprints, scope: randomScopes(random, scopes) };
  });
  const told = random.pick(["", "", "be careful", "é\u0000"]);
  const isPinned = told !== "" || random.chance(30);
  const server: OracleServer = {
    id,
    operatorVerified: random.chance(80),
    onDrift: random.pick(["block-server", "block-tool"]),
    ...(isPinned ? { instructions: `sha256:${instructionsDigest(told)}` } : {}),
    items,
  };
  const live: Uint8Array[] = [];
  for (let count = random.pick([0, 1, 1, 1, 1, 2]); count > 0; count--) {
    live.push(liveManifest(random, definitions, told));
  }
  return { server, live };
}

function randomRequest(
  random: Random,
  catalog: OracleCatalog,
  scopes: readonly string[],
): OracleRequest {
  const known = random.shuffle(catalog.servers)[0];
  const item = random.shuffle(known?.items ?? [])[0];
  const isStray = item === undefined || random.chance(15);
  const kind = isStray ? random.pick(KIND_NAMES) : item.kind;
  const narrowed = item === undefined ? [] : someOf(random, item.scope, 60);
  const requested = random.chance(70) ? narrowed : [...narrowed, ...randomScopes(random, scopes)];
  const capped = random.chance(50) ? scopes : someOf(random, scopes, 70);
  const now = random.chance(92)
    ? EXPIRES_MS - 1 - random.below(1_000_000)
    : random.pick([0, -1, Number.NaN, EXPIRES_MS, EXPIRES_MS + 1, 2 ** 53 + 2, 1, Infinity]);
  return {
    server: random.chance(92)
      ? (known?.id ?? "files")
      : random.pick(["FILES", "", "other", "files "]),
    kind,
    name: isStray ? random.pick(STRANGE_NAMES) : item.name,
    ...(random.chance(50) ? { scopes: requested } : {}),
    ...(random.chance(30) ? { cap: capped } : {}),
    now,
  };
}

/** A catalog of up to three servers, up to two live manifests of each, and calls. */
export function generateGuardCase(seed: number, requestCount = 12): GuardCase {
  const random = createRandom(seed);
  const operatorScopes = someOf(random, OPERATOR_SCOPES, 40);
  const scopes = [...BUILT_IN_SCOPES, ...operatorScopes];
  const servers: OracleServer[] = [];
  const live = new Map<string, readonly Uint8Array[]>();
  for (const id of someOf(random, ["files", "git", "web"], 70)) {
    const made = randomServer(random, id, scopes);
    servers.push(made.server);
    live.set(id, made.live);
  }
  const catalog: OracleCatalog = { expiresMs: EXPIRES_MS, operatorScopes, servers };
  const requests: OracleRequest[] = [];
  for (let count = 0; count < requestCount; count++)
    requests.push(randomRequest(random, catalog, scopes));
  return { catalog, live, requests };
}
