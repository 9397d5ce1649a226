// Oracle: the catalog guard, from 20-fingerprint section 3 (admission) and 30-kernel sections 3
// and 4 (order, scope, verdict numbers). Plain sets and maps, every rule spelled out.
import { type FileReport, instructionsDigest, type Kind } from "./fingerprint.ts";

export interface OracleItem {
  readonly kind: Kind;
  /** `name`, `uri` or `uriTemplate`. */
  readonly name: string;
  /** Accepted digests, `sha256:<hex>`. */
  readonly fingerprints: readonly string[];
  readonly scope: readonly string[];
}

export interface OracleServer {
  readonly id: string;
  readonly operatorVerified: boolean;
  readonly onDrift: "block-server" | "block-tool";
  /** `sha256:<hex>`; absent = the digest of "". */
  readonly instructions?: string;
  readonly items: readonly OracleItem[];
}

export interface OracleCatalog {
  /** ms since the epoch. */
  readonly expiresMs: number;
  /** Operator scopes beside the built-in ones. */
  readonly operatorScopes: readonly string[];
  readonly servers: readonly OracleServer[];
}

/** What the guard knows of one server of the running connection. */
export interface OracleAdmission {
  readonly status: "unseen" | "admitted" | "refused";
  readonly instructionsDrifted: boolean;
  /** `itemKey` -> what was seen; an item that is absent here was not seen. */
  readonly items: ReadonlyMap<string, "admitted" | "drifted">;
  /** Live items that are pinned nowhere, or that have no readable name. */
  readonly smuggled: number;
}

/** Bits 0-15, fixed for ever (10-catalog section 1). */
export const BUILT_IN_SCOPES: readonly string[] = [
  "fs.read",
  "fs.write",
  "fs.delete",
  "exec",
  "net.fetch",
  "net.send",
  "secrets.read",
  "db.read",
  "db.write",
  "repo.read",
  "repo.write",
  "msg.send",
  "browser.use",
  "code.run",
  "payments",
  "admin",
];

/** Scope name -> bit: the built-in ones, then the operator's by the bytes of their names. */
export function scopeBits(operatorScopes: readonly string[]): ReadonlyMap<string, number> {
  const sorted = [...operatorScopes].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return new Map([...BUILT_IN_SCOPES, ...sorted].map((name, bit) => [name, bit]));
}

/** Bit `n` of the mask is set when the scope of bit `n` is in the set. */
export function scopeMask(bits: ReadonlyMap<string, number>, names: readonly string[]): bigint {
  return names.reduce((mask, name) => mask | (1n << BigInt(bitOf(bits, name))), 0n);
}

function bitOf(bits: ReadonlyMap<string, number>, name: string): number {
  const bit = bits.get(name);
  if (bit === undefined) throw new Error(`SCOPE_UNKNOWN: ${name}`);
  return bit;
}

/** Key of an item within its server. */
export function itemKey(kind: Kind, name: string): string {
  return `${kind} ${name}`;
}

/** The state of a server before anything was listed. */
export const UNSEEN: OracleAdmission = {
  status: "unseen",
  instructionsDrifted: false,
  items: new Map(),
  smuggled: 0,
};

export interface AdmitOptions {
  /** Drift of the same server under the same catalog sticks. */
  readonly previous?: OracleAdmission;
  /** False before an initialize or discover result was seen; true when absent. */
  readonly areInstructionsKnown?: boolean;
}

/** Compares a live manifest with the pins of a server (20-fingerprint section 3). */
export function admit(
  server: OracleServer,
  live: FileReport,
  options: AdmitOptions = {},
): OracleAdmission {
  const { previous = UNSEEN, areInstructionsKnown = true } = options;
  const items = new Map<string, "admitted" | "drifted">();
  for (const [key, state] of previous.items) if (state === "drifted") items.set(key, "drifted");
  // a listing that cannot be read says nothing: no item of it is admitted
  if (live.error !== undefined) return { ...previous, status: "unseen", items };
  let smuggled = 0;
  for (const [kind, reports] of live.items) {
    for (const { name, fingerprint } of reports) {
      const pin = server.items.find((item) => item.kind === kind && item.name === name);
      if (pin === undefined) {
        smuggled++;
        continue;
      }
      const key = itemKey(pin.kind, pin.name);
      const isSame = fingerprint !== undefined && pin.fingerprints.includes(fingerprint);
      if (!isSame) items.set(key, "drifted");
      else if (items.get(key) !== "drifted") items.set(key, "admitted");
    }
  }
  const pinned = server.instructions ?? `sha256:${instructionsDigest("")}`;
  const seen = `sha256:${instructionsDigest(live.instructions)}`;
  const instructionsDrifted =
    previous.instructionsDrifted || (areInstructionsKnown && seen !== pinned);
  const hasDrift = instructionsDrifted || [...items.values()].includes("drifted");
  const isRefused = server.onDrift === "block-server" && (hasDrift || smuggled > 0);
  return { status: isRefused ? "refused" : "admitted", instructionsDrifted, items, smuggled };
}

/**
 * True when a resource template stands for `uri`: literal text and `{name}` variables, each of
 * which matches one or more bytes other than `/ ? # % \` and controls. No segment is `.` or `..`,
 * and no variable puts a `@` or `:` into the authority.
 */
export function templateMatches(template: string, uri: string): boolean {
  // latin1 makes one character of each UTF-8 byte
  const bytes = (text: string): string => Buffer.from(text, "utf8").toString("latin1");
  const source = bytes(template)
    .split(/(\{[A-Za-z0-9_]+\})/)
    .map((part, index) =>
      index % 2 === 1
        ? "[^/?#%\\\\\\x00-\\x1f\\x7f]+"
        : part.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"),
    )
    .join("");
  if (!new RegExp(`^${source}$`).test(bytes(uri))) return false;
  // what a URI parser would act on: dot segments, and another authority
  if (uri.split(/[/?#]/).some((segment) => segment === "." || segment === "..")) return false;
  const marks = (text: string): number =>
    [...(/\/\/([^/?#]*)/.exec(text)?.[1] ?? "")].filter((c) => c === "@" || c === ":").length;
  return marks(template) === marks(uri);
}

/** The pin that speaks for a name: an exact one, else, for a resource, the first template. */
function findPin(server: OracleServer, kind: Kind, name: string): OracleItem | undefined {
  const exact = server.items.find((item) => item.kind === kind && item.name === name);
  if (exact !== undefined || kind !== "resource") return exact;
  return server.items
    .filter((item) => item.kind === "resource_template" && templateMatches(item.name, name))
    .sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))[0];
}

export interface OracleRequest {
  readonly server: string;
  readonly kind: Kind;
  readonly name: string;
  /** Requested scopes; the item's own when absent. */
  readonly scopes?: readonly string[];
  /** What the principal and the session may have at most. */
  readonly cap?: readonly string[];
  /** ms since the epoch. */
  readonly now: number;
}

function isSubset(inner: readonly string[], outer: readonly string[]): boolean {
  return inner.every((name) => outer.includes(name));
}

/**
 * The verdict number of one call on the catalog alone (30-kernel section 4).
 *
 * Throws `SCOPE_UNKNOWN` when a requested or capping scope is not a scope of the catalog.
 */
export function check(
  catalog: OracleCatalog,
  admissions: ReadonlyMap<string, OracleAdmission>,
  request: OracleRequest,
): number {
  const { kind, name, now, scopes, cap } = request;
  const bits = scopeBits(catalog.operatorScopes);
  for (const scope of [...(scopes ?? []), ...(cap ?? [])]) bitOf(bits, scope);
  const isTime = now > 0 && now <= 2 ** 53;
  if (!isTime || now >= catalog.expiresMs) return 7;
  const server = catalog.servers.find(({ id }) => id === request.server);
  if (server === undefined) return 2;
  const item = findPin(server, kind, name);
  if (item === undefined) return 3;
  const admission = admissions.get(server.id) ?? UNSEEN;
  const state = admission.items.get(itemKey(item.kind, item.name));
  // drift sticks, so it is known even while nothing else of the server is
  if (state === "drifted") return 4;
  if (server.onDrift === "block-server" && admission.instructionsDrifted) return 4;
  if (admission.status !== "admitted") return 6;
  if (state !== "admitted") return 6;
  const requested = scopes ?? item.scope;
  if (!isSubset(requested, item.scope)) return 5;
  if (cap !== undefined && !isSubset(item.scope, cap)) return 5;
  return server.operatorVerified ? 1 : 15;
}
