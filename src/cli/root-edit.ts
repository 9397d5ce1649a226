// Changes to what a trust root says, each a function from settings to settings. `createRoot` judges
// the result.

import { bytesEqual } from "../bytes.ts";
import type { TrustRoot } from "../catalog/root.ts";
import type { RoleSettings, RootSettings } from "../catalog/root-text.ts";
import { GuardError, quote } from "../errors.ts";
import type { PublicKey } from "../sign/keys.ts";

export type RoleName = "root" | "catalog" | "audit";

export const ROLE_NAMES: readonly RoleName[] = ["root", "catalog", "audit"];

/** Years that a new trust root is valid for. */
const LIFETIME_YEARS = 2;

/** When a root that is made now expires; ms, whole seconds. */
export function rootExpiry(nowMs: number): number {
  const date = new Date(nowMs);
  date.setUTCFullYear(date.getUTCFullYear() + LIFETIME_YEARS);
  date.setUTCMilliseconds(0);
  return date.getTime();
}

/** What a trust root says, in the form `createRoot` takes. */
export function settingsOf(root: TrustRoot): RootSettings {
  const names = new Map([...root.keys].map(([name, { keyid }]) => [keyid, name]));
  const role = (keys: readonly PublicKey[], threshold: number): RoleSettings => ({
    keys: keys.map(({ keyid }) => names.get(keyid) ?? ""),
    threshold,
  });
  const { catalog, audit } = root.roles;
  return {
    version: root.version,
    expiresMs: root.expiresMs,
    catalogVersionFloor: root.catalogVersionFloor,
    keys: root.keys,
    roles: {
      root: role(root.roles.root.keys, root.roles.root.threshold),
      catalog: {
        ...role(catalog.keys, catalog.threshold),
        maxLifetimeDays: catalog.maxLifetimeDays,
      },
      ...(audit.keys.length === 0 ? {} : { audit: role(audit.keys, audit.threshold) }),
    },
  };
}

/**
 * Adds a key, or gives one that is there more roles; the first audit key makes that role.
 *
 * @param key - `undefined`: the one that has the name.
 * @throws {GuardError} ARGUMENT_INVALID when there is no such key, the name is another key's, or
 *   the key holds these roles.
 */
export function addKey(
  settings: RootSettings,
  name: string,
  key: PublicKey | undefined,
  roles: readonly RoleName[],
): RootSettings {
  const known = settings.keys.get(name);
  const added = key ?? known;
  if (added === undefined) {
    throw invalid(`expected the key ${quote(name)} of the trust root, got none; give its file`);
  }
  if (known !== undefined && !bytesEqual(known.bytes, added.bytes)) {
    throw invalid(`expected a free name, got ${quote(name)}, which is another key's`);
  }
  const missing = roles.filter((role) => !(settings.roles[role]?.keys ?? []).includes(name));
  if (missing.length === 0) {
    throw invalid(`expected a role that ${quote(name)} does not hold, got ${roles.join(", ")}`);
  }
  const keys = new Map([...settings.keys, [name, added]]);
  return missing.reduce<RootSettings>(
    (next, role) =>
      withRole(next, role, ({ keys: names, threshold }) => ({
        keys: [...names, name],
        threshold,
      })),
    { ...settings, keys },
  );
}

/**
 * Takes roles from a key, and the key out of the root when it holds none any more.
 *
 * @param roles - `undefined`: all it holds.
 * @throws {GuardError} ARGUMENT_INVALID when there is no such key, it does not hold a role, or
 *   fewer keys than the threshold would be left.
 */
export function dropKey(
  settings: RootSettings,
  name: string,
  roles: readonly RoleName[] | undefined,
): RootSettings {
  if (!settings.keys.has(name)) {
    const known = [...settings.keys.keys()].map(quote).join(", ");
    throw invalid(`expected a key of the trust root (${known}), got ${quote(name)}`);
  }
  const held = ROLE_NAMES.filter((role) => settings.roles[role]?.keys.includes(name));
  for (const role of roles ?? []) {
    if (held.includes(role)) continue;
    throw invalid(`expected a role that ${quote(name)} holds, got ${role}`);
  }
  const without = (roles ?? held).reduce<RootSettings>(
    (next, role) =>
      withRole(next, role, ({ keys, threshold }) => {
        const left = keys.filter((one) => one !== name);
        if (left.length >= threshold) return { keys: left, threshold };
        const message = `expected ${threshold} keys to stay in the role ${role}, got ${left.length}`;
        throw invalid(`${message}; add another key, or lower the threshold first`);
      }),
    settings,
  );
  const isHeld = ROLE_NAMES.some((role) => without.roles[role]?.keys.includes(name));
  if (isHeld) return without;
  return { ...without, keys: new Map([...without.keys].filter(([one]) => one !== name)) };
}

/** @throws {GuardError} ARGUMENT_INVALID when the role has fewer keys, or none. */
export function setThreshold(
  settings: RootSettings,
  role: RoleName,
  threshold: number,
): RootSettings {
  const count = settings.roles[role]?.keys.length ?? 0;
  if (threshold > count) {
    const message = `expected a threshold up to ${count}, the number of keys of the role ${role}`;
    throw invalid(`${message}, got ${threshold}; add keys first`);
  }
  return withRole(settings, role, ({ keys }) => ({ keys, threshold }));
}

/** @throws {GuardError} ARGUMENT_INVALID when the floor would sink. */
export function setFloor(settings: RootSettings, floor: number): RootSettings {
  const { catalogVersionFloor } = settings;
  if (floor >= catalogVersionFloor) return { ...settings, catalogVersionFloor: floor };
  const message = `expected a floor of ${catalogVersionFloor} or more, got ${floor}`;
  throw invalid(`${message}; a floor never sinks`);
}

/** What changes from one root to the next, a line each; the version is left out. */
export function rootChanges(from: TrustRoot, to: TrustRoot): readonly string[] {
  const [before, after] = [settingsOf(from), settingsOf(to)];
  const lines: string[] = [];
  for (const [name, key] of after.keys) {
    const old = before.keys.get(name);
    if (old === undefined) lines.push(`+ key ${name} ${key.keyid}`);
    else if (old.keyid !== key.keyid) lines.push(`~ key ${name} ${old.keyid} -> ${key.keyid}`);
  }
  for (const [name, key] of before.keys) {
    if (!after.keys.has(name)) lines.push(`- key ${name} ${key.keyid}`);
  }
  for (const role of ROLE_NAMES) {
    const [old, next] = [before.roles[role], after.roles[role]];
    const [oldNames, names] = [old?.keys ?? [], next?.keys ?? []];
    for (const name of names) if (!oldNames.includes(name)) lines.push(`+ role ${role} to ${name}`);
    for (const name of oldNames) {
      if (!names.includes(name)) lines.push(`- role ${role} from ${name}`);
    }
    const [was, is] = [old?.threshold ?? 0, next?.threshold ?? 0];
    if (was !== is) lines.push(`~ threshold of ${role} ${was} -> ${is}`);
  }
  const rest: readonly (readonly [string, number | string, number | string])[] = [
    ["max_lifetime_days", days(before), days(after)],
    ["catalog_version_floor", before.catalogVersionFloor, after.catalogVersionFloor],
    ["expires", instantText(before.expiresMs), instantText(after.expiresMs)],
  ];
  for (const [what, was, is] of rest) if (was !== is) lines.push(`~ ${what} ${was} -> ${is}`);
  return lines;
}

function withRole(
  settings: RootSettings,
  role: RoleName,
  change: (role: RoleSettings) => RoleSettings,
): RootSettings {
  const { roles } = settings;
  const { maxLifetimeDays } = roles.catalog;
  if (role === "catalog") {
    return {
      ...settings,
      roles: { ...roles, catalog: { ...change(roles.catalog), maxLifetimeDays } },
    };
  }
  const changed = change(roles[role] ?? { keys: [], threshold: 1 });
  return { ...settings, roles: { ...roles, [role]: changed } };
}

function days(settings: RootSettings): number {
  return settings.roles.catalog.maxLifetimeDays;
}

function instantText(ms: number): string {
  return new Date(ms).toISOString();
}

function invalid(message: string): GuardError {
  return new GuardError("ARGUMENT_INVALID", message);
}
