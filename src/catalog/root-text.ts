// Writes a trust root's TOML. The same input gives the same bytes, so that several people can
// sign what each of them made.
import { toBase64, utf8 } from "../bytes.ts";
import { GuardError } from "../errors.ts";
import type { PublicKey } from "../sign/keys.ts";
import { parseRoot } from "./root.ts";

/** Names of the keys of a role, and how many of them must sign. */
export interface RoleSettings {
  readonly keys: readonly string[];
  readonly threshold: number;
}

/** What a trust root says; see 10-catalog section 3 for each rule. */
export interface RootSettings {
  readonly version: number;
  /** ms since the epoch, whole seconds, before the year 10000. */
  readonly expiresMs: number;
  readonly catalogVersionFloor: number;
  /** Name -> key. */
  readonly keys: ReadonlyMap<string, PublicKey>;
  readonly roles: {
    readonly root: RoleSettings;
    readonly catalog: RoleSettings & { readonly maxLifetimeDays: number };
    readonly audit?: RoleSettings;
  };
}

const INSTANT_MS_MAX = 253_402_300_799_000; // 9999-12-31T23:59:59Z
const BARE_KEY = /^[A-Za-z0-9_-]+$/;

/**
 * The payload of a trust root, ready to be signed. Keys and role members are written in the order
 * of their names.
 *
 * @returns TOML that `parseRoot` accepts.
 * @throws {GuardError} ARGUMENT_INVALID when `expiresMs` cannot be written; otherwise what
 *   `parseRoot` says about the settings: ROOT_SCHEMA, ROOT_ROLE.
 */
export function createRoot(settings: RootSettings): string {
  const { roles } = settings;
  const lines = [
    "schema = 1",
    `version = ${settings.version}`,
    `expires = ${instantText(settings.expiresMs)}`,
    `catalog_version_floor = ${settings.catalogVersionFloor}`,
  ];
  const keys = [...settings.keys].toSorted(([a], [b]) => byText(a, b));
  for (const [name, key] of keys) {
    const quoted = BARE_KEY.test(name) ? name : JSON.stringify(name);
    lines.push("", `[keys.${quoted}]`, `public = "${toBase64(key.bytes)}"`);
  }
  lines.push("", ...roleLines("root", roles.root));
  lines.push("", ...roleLines("catalog", roles.catalog));
  lines.push(`max_lifetime_days = ${roles.catalog.maxLifetimeDays}`);
  if (roles.audit !== undefined) lines.push("", ...roleLines("audit", roles.audit));
  const text = `${lines.join("\n")}\n`;
  // WHY: the reader is the one judge of the settings; nothing it refuses is ever signed
  parseRoot(utf8(text));
  return text;
}

function roleLines(name: string, role: RoleSettings): readonly string[] {
  const names = role.keys.toSorted(byText).map((key) => JSON.stringify(key));
  return [`[roles.${name}]`, `keys = [${names.join(", ")}]`, `threshold = ${role.threshold}`];
}

function instantText(ms: number): string {
  if (!Number.isInteger(ms) || ms % 1000 !== 0 || ms < 0 || ms > INSTANT_MS_MAX) {
    throw new GuardError("ARGUMENT_INVALID", `expected an expiry in whole seconds, got ${ms} ms`);
  }
  return `${new Date(ms).toISOString().slice(0, -5)}Z`;
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
