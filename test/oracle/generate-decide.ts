// Seeded random catalogs with policy, and input frames: most of them all but fine, so that every
// layer gets to decide.
import * as abi from "../../src/abi/frame.ts";
import { BUILT_IN_SCOPES, scopeBits, scopeMask } from "./check.ts";
import { imageOrder } from "./decide.ts";
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
import type { Random } from "./random.ts";

export const EXPIRES_MS = 1_800_000_000_000;

type Names = readonly [string, ...string[]];

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

function someOf<T>(random: Random, list: readonly T[], percent: number): T[] {
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

/** What the generator knows beside the catalog. */
export interface FrameContext {
  readonly catalog: PolicyCatalog;
  /** The image's SHA-256, hex. */
  readonly image: string;
  readonly rowOf: (principal: string) => number;
}

/** Fields of a frame under construction. */
export class FrameBuilder {
  readonly bytes: Uint8Array<ArrayBuffer> = new Uint8Array(abi.INPUT_SIZE);
  readonly view: DataView = new DataView(this.bytes.buffer);

  u8(at: number, value: number): void {
    this.view.setUint8(at, value);
  }
  u32(at: number, value: number): void {
    this.view.setUint32(at, value, true);
  }
  u64(at: number, value: bigint): void {
    this.view.setBigUint64(at, value, true);
  }
  u128(at: number, value: bigint): void {
    this.u64(at, value & 0xffff_ffff_ffff_ffffn);
    this.u64(at + 8, value >> 64n);
  }
  hex(at: number, digest: string): void {
    this.bytes.set(Buffer.from(digest, "hex"), at);
  }
  flag(flag: number): void {
    this.u32(abi.INPUT_OFFSET_FLAGS, this.view.getUint32(abi.INPUT_OFFSET_FLAGS, true) | flag);
  }
}

const PEOPLE: Names = ["11".repeat(32), "22".repeat(32)];
const SESSIONS: Names = ["33".repeat(32), "44".repeat(32)];
const ARGUMENTS: Names = ["55".repeat(32), "66".repeat(32)];
const NOW = BigInt(EXPIRES_MS - 1_000_000);

/** Attested bytes that let a call pass: offset -> the number for "fine". */
const FINE: ReadonlyMap<number, number> = new Map([
  [abi.INPUT_OFFSET_CATALOG, 1],
  [abi.INPUT_OFFSET_MESSAGE, 1],
  [abi.INPUT_OFFSET_FEATURE, 1],
  [abi.INPUT_OFFSET_IDENTITY, 1],
  [abi.INPUT_OFFSET_SERVER_STATE, 1],
  [abi.INPUT_OFFSET_ITEM_STATE, 1],
  [abi.INPUT_OFFSET_VETTING, 0],
  [abi.INPUT_OFFSET_ARGUMENTS, 1],
  [abi.INPUT_OFFSET_SCHEMA, 1],
  [abi.INPUT_OFFSET_CUSTOM, 1],
  [abi.INPUT_OFFSET_AUDIT, 1],
]);

/** A frame that nothing is wrong with but what the catalog says of the call itself. */
export function fineFrame(
  { catalog, image, rowOf }: FrameContext,
  call: { readonly item: number; readonly principal: string },
): FrameBuilder {
  const frame = new FrameBuilder();
  const found = imageOrder(catalog).items[call.item];
  frame.u32(abi.INPUT_OFFSET_MAGIC, abi.INPUT_MAGIC);
  frame.u32(abi.INPUT_OFFSET_VERSION, 1);
  frame.u32(abi.INPUT_OFFSET_SIZE, 576);
  for (const [at, value] of FINE) frame.u8(at, value);
  frame.u32(abi.INPUT_OFFSET_SERVER, found?.server ?? -1);
  frame.u32(abi.INPUT_OFFSET_ITEM, found === undefined ? -1 : call.item);
  frame.u32(abi.INPUT_OFFSET_PRINCIPAL_ROW, rowOf(call.principal));
  frame.u64(abi.INPUT_OFFSET_NOW, NOW);
  frame.hex(abi.INPUT_OFFSET_IMAGE, image);
  frame.hex(abi.INPUT_OFFSET_LIVE, (found?.item.fingerprints[0] ?? "").slice("sha256:".length));
  frame.hex(abi.INPUT_OFFSET_PRINCIPAL, PEOPLE[0]);
  frame.hex(abi.INPUT_OFFSET_SESSION, SESSIONS[0]);
  frame.hex(abi.INPUT_OFFSET_ARGUMENTS_DIGEST, ARGUMENTS[0]);
  return frame;
}

/** Puts a lease that covers the call into the frame. */
export function addLease(frame: FrameBuilder, remaining = 3, flags = 1): void {
  const copy = (from: number, to: number): void => {
    frame.u32(to, frame.view.getUint32(from, true));
  };
  frame.flag(abi.INPUT_FLAG_LEASE);
  frame.hex(abi.INPUT_OFFSET_LEASE_ID, "77".repeat(32));
  frame.hex(abi.INPUT_OFFSET_LEASE_PRINCIPAL, PEOPLE[0]);
  frame.hex(abi.INPUT_OFFSET_LEASE_ARGUMENTS, ARGUMENTS[0]);
  copy(abi.INPUT_OFFSET_SERVER, abi.INPUT_OFFSET_LEASE_SERVER);
  copy(abi.INPUT_OFFSET_ITEM, abi.INPUT_OFFSET_LEASE_ITEM);
  frame.u64(abi.INPUT_OFFSET_LEASE_EXPIRES, NOW + 1n);
  frame.u32(abi.INPUT_OFFSET_LEASE_REMAINING, remaining);
  frame.u32(abi.INPUT_OFFSET_LEASE_FLAGS, flags);
}

/** Puts a consent record for the call into the frame, given for whatever asked and any taint. */
export function addConsent(frame: FrameBuilder, asking = 0xffff_ffff, flags = 0): void {
  const copy = (from: number, to: number): void => {
    frame.bytes.copyWithin(to, from, from + 32);
  };
  frame.flag(abi.INPUT_FLAG_CONSENT);
  copy(abi.INPUT_OFFSET_PRINCIPAL, abi.INPUT_OFFSET_CONSENT_PRINCIPAL);
  copy(abi.INPUT_OFFSET_SESSION, abi.INPUT_OFFSET_CONSENT_SESSION);
  copy(abi.INPUT_OFFSET_LIVE, abi.INPUT_OFFSET_CONSENT_ITEM);
  copy(abi.INPUT_OFFSET_ARGUMENTS_DIGEST, abi.INPUT_OFFSET_CONSENT_ARGUMENTS);
  copy(abi.INPUT_OFFSET_IMAGE, abi.INPUT_OFFSET_CONSENT_IMAGE);
  frame.u64(abi.INPUT_OFFSET_CONSENT_EXPIRES, NOW + 1n);
  frame.u32(abi.INPUT_OFFSET_CONSENT_ASKING, asking);
  frame.u32(abi.INPUT_OFFSET_CONSENT_TAINT, 0xffff_ffff);
  frame.u32(abi.INPUT_OFFSET_CONSENT_FLAGS, flags);
  frame.u32(abi.INPUT_OFFSET_CONSENT_SERVER, frame.view.getUint32(abi.INPUT_OFFSET_SERVER, true));
}

type Change = (frame: FrameBuilder, random: Random, context: FrameContext) => void;

const TIMES: readonly [bigint, ...bigint[]] = [
  0n,
  1n,
  NOW,
  NOW - 1n,
  NOW + 1n,
  2n ** 32n,
  2n ** 63n,
];

function changeTime(at: number, others: readonly bigint[] = []): Change {
  return (frame, random) => frame.u64(at, random.pick([...TIMES, ...others]));
}

function changeMask(at: number): Change {
  return (frame, random) => frame.u32(at, random.below(2 ** 32));
}

function changeDigest(at: number, others: Names): Change {
  return (frame, random) => {
    const bit = random.below(256);
    if (random.chance(50)) frame.hex(at, random.pick(others));
    else frame.u8(at + (bit >> 3), frame.view.getUint8(at + (bit >> 3)) ^ (1 << (bit & 7)));
  };
}

function changeIndex(at: number): Change {
  return (frame, random, { catalog }) => {
    const { items } = imageOrder(catalog);
    frame.u32(at, random.pick([-1, 0, 1, 2, 3, items.length - 1, items.length, -2, 2 ** 31]));
  };
}

/** Server and item of another call, or of none. */
const changeTarget: Change = (frame, random, { catalog }) => {
  const { items, servers } = imageOrder(catalog);
  const item = random.below(items.length + 1) - 1;
  const other = random.below(servers.length + 1) - 1;
  frame.u32(abi.INPUT_OFFSET_ITEM, item);
  frame.u32(abi.INPUT_OFFSET_SERVER, items[item]?.server ?? other);
};

const changeScope =
  (at: number, flag: number): Change =>
  (frame, random, { catalog }) => {
    const all = [...BUILT_IN_SCOPES, ...catalog.operatorScopes];
    const bits = scopeBits(catalog.operatorScopes);
    const stray = random.chance(10) ? 1n << BigInt(random.below(128)) : 0n;
    frame.flag(flag);
    frame.u128(at, scopeMask(bits, someOf(random, all, random.pick([10, 90, 97]))) | stray);
  };

/** The item's own pins, and digests that are none. */
const changeLive: Change = (frame, random, { catalog }) => {
  const item = imageOrder(catalog).items[frame.view.getInt32(abi.INPUT_OFFSET_ITEM, true)];
  const pins = (item?.item.fingerprints ?? []).map((pin) => pin.slice("sha256:".length));
  frame.hex(abi.INPUT_OFFSET_LIVE, random.pick(["00".repeat(32), "99".repeat(32), ...pins]));
};

const ATTESTED_CHANGES = [...FINE.keys()].map(
  (at): Change =>
    (frame, random) =>
      frame.u8(at, random.pick([0, 1, 2, 3, 4, 5, 128, 255])),
);
const CHANGES: readonly [Change, ...Change[]] = [
  changeTarget,
  ...ATTESTED_CHANGES,
  changeTarget,
  changeIndex(abi.INPUT_OFFSET_SERVER),
  changeIndex(abi.INPUT_OFFSET_ITEM),
  changeLive,
  changeLive,
  changeTime(abi.INPUT_OFFSET_NOW, [BigInt(EXPIRES_MS), BigInt(EXPIRES_MS - 1)]),
  changeScope(abi.INPUT_OFFSET_SCOPE, abi.INPUT_FLAG_SCOPE),
  changeScope(abi.INPUT_OFFSET_CAP, abi.INPUT_FLAG_CAP),
  (frame, random) => frame.flag(1 << random.below(9)),
  (frame, random) => frame.u8(random.below(576), random.below(256)),
  (frame, random) => frame.u8(random.below(64), random.below(256)),
  changeMask(abi.INPUT_OFFSET_PRINCIPAL_ROW),
];
const LEASE_CHANGES: readonly [Change, ...Change[]] = [
  changeDigest(abi.INPUT_OFFSET_LEASE_PRINCIPAL, PEOPLE),
  changeDigest(abi.INPUT_OFFSET_LEASE_ARGUMENTS, ARGUMENTS),
  changeIndex(abi.INPUT_OFFSET_LEASE_SERVER),
  changeIndex(abi.INPUT_OFFSET_LEASE_ITEM),
  changeTime(abi.INPUT_OFFSET_LEASE_EXPIRES),
  (frame, random) => frame.u32(abi.INPUT_OFFSET_LEASE_REMAINING, random.pick([0, 1, 2 ** 32 - 1])),
  (frame, random) => frame.u32(abi.INPUT_OFFSET_LEASE_FLAGS, random.below(9)),
];
const CONSENT_CHANGES: readonly [Change, ...Change[]] = [
  changeDigest(abi.INPUT_OFFSET_CONSENT_PRINCIPAL, PEOPLE),
  changeDigest(abi.INPUT_OFFSET_CONSENT_SESSION, SESSIONS),
  changeDigest(abi.INPUT_OFFSET_CONSENT_ITEM, ARGUMENTS),
  changeDigest(abi.INPUT_OFFSET_CONSENT_ARGUMENTS, ARGUMENTS),
  changeDigest(abi.INPUT_OFFSET_CONSENT_IMAGE, ARGUMENTS),
  changeTime(abi.INPUT_OFFSET_CONSENT_EXPIRES),
  changeMask(abi.INPUT_OFFSET_CONSENT_ASKING),
  changeMask(abi.INPUT_OFFSET_CONSENT_TAINT),
  (frame, random) => frame.u32(abi.INPUT_OFFSET_CONSENT_FLAGS, random.below(5)),
  changeIndex(abi.INPUT_OFFSET_CONSENT_SERVER),
];

function apply(
  changes: readonly [Change, ...Change[]],
  frame: FrameBuilder,
  random: Random,
  context: FrameContext,
): void {
  for (let count = random.pick([0, 0, 0, 1, 1, 2]); count > 0; count--) {
    random.pick(changes)(frame, random, context);
  }
}

/** A frame of some call, and who calls. */
export function randomFrame(
  random: Random,
  context: FrameContext,
): { readonly principal: string; readonly frame: FrameBuilder } {
  const { items } = imageOrder(context.catalog);
  const principal = random.pick(PRINCIPALS);
  const frame = fineFrame(context, { item: random.below(items.length + 1), principal });
  if (random.chance(40)) frame.u32(abi.INPUT_OFFSET_TAINT, random.below(32));
  if (random.chance(15)) frame.u8(abi.INPUT_OFFSET_VETTING, random.below(4));
  if (random.chance(50)) {
    addLease(frame, random.pick([0, 1, 1, 1, 2, 1000]), random.pick([1, 1, 3, 5, 7, 0]));
    apply(LEASE_CHANGES, frame, random, context);
  }
  if (random.chance(5)) frame.flag(abi.INPUT_FLAG_LEASE_NAMED);
  if (random.chance(50)) {
    addConsent(frame, random.chance(70) ? 0xffff_ffff : random.below(2 ** 32), random.below(4));
    if (random.chance(50)) {
      frame.u32(abi.INPUT_OFFSET_CONSENT_TAINT, frame.view.getUint32(abi.INPUT_OFFSET_TAINT, true));
    }
    apply(CONSENT_CHANGES, frame, random, context);
  }
  if (random.chance(3)) frame.flag(abi.INPUT_FLAG_CONSENT_REFUSED);
  apply(CHANGES, frame, random, context);
  const row = frame.view.getUint32(abi.INPUT_OFFSET_PRINCIPAL_ROW, true);
  // WHY: another row in range is another principal, and the oracle goes by the name
  const isStray = row !== context.rowOf(principal) && row <= 64;
  if (isStray) frame.u32(abi.INPUT_OFFSET_PRINCIPAL_ROW, context.rowOf(principal));
  return { principal, frame };
}
