// Trust roots and drafts as lines for a person and as JSON.
import type { TrustRoot } from "../catalog/root.ts";
import type { CommandResult } from "./command.ts";
import {
  countSignatures,
  type DraftCounts,
  missingSignatures,
  type RootDraft,
  type RootHome,
} from "./root-draft.ts";
import { ROLE_NAMES, type RoleName, rootChanges } from "./root-edit.ts";
import { columns, type Style } from "./style.ts";

/** What a root says, for JSON. */
export function rootJson(root: TrustRoot): Record<string, unknown> {
  const { version, sha256, expiresMs, catalogVersionFloor, keys, roles } = root;
  return {
    version,
    sha256: `sha256:${sha256}`,
    expires: new Date(expiresMs).toISOString(),
    floor: catalogVersionFloor,
    keys: [...keys].map(([name, { keyid }]) => ({ name, keyid, roles: rolesOf(root, keyid) })),
    roles: Object.fromEntries(
      ROLE_NAMES.map((role) => [
        role,
        { threshold: roles[role].threshold, keys: namesOf(root, role) },
      ]),
    ),
    maxLifetimeDays: roles.catalog.maxLifetimeDays,
  };
}

/** What a root says, as lines. */
export function describeRoot(root: TrustRoot, style: Style): readonly string[] {
  const keys = [...root.keys].map(([name, { keyid }]) => [
    `  ${name}`,
    keyid,
    rolesOf(root, keyid).join(", ") || style.yellow("no role"),
  ]);
  const roles = ROLE_NAMES.map((role) => {
    const names = namesOf(root, role);
    const { threshold } = root.roles[role];
    return [`  ${role}`, `${threshold} of ${names.length}`, names.join(", ")];
  });
  return [
    `sha256   sha256:${root.sha256}`,
    `expires  ${new Date(root.expiresMs).toISOString()}`,
    `floor    catalog version ${root.catalogVersionFloor}`,
    `lifetime of catalogs at most ${root.roles.catalog.maxLifetimeDays} days`,
    "keys",
    ...columns(keys),
    "roles",
    ...columns(roles),
  ];
}

/** A draft, for JSON. */
export function draftJson(home: RootHome, draft: RootDraft): Record<string, unknown> {
  const counts = countSignatures(home, draft);
  return {
    file: draft.file,
    ...rootJson(draft.root),
    changes: rootChanges(home.current, draft.root),
    signatures: counts,
    missing: missingSignatures(counts),
  };
}

/** What a draft changes, and who still has to sign it. */
export function describeDraft(home: RootHome, draft: RootDraft, style: Style): readonly string[] {
  const { version, sha256 } = draft.root;
  return [
    `draft    version ${version}, not in force: ${draft.file}`,
    `sha256   sha256:${sha256}`,
    ...rootChanges(home.current, draft.root).map((line) => `  ${line}`),
    describeCounts(version, countSignatures(home, draft), style),
  ];
}

/** One line: how many signatures there are of how many. */
export function describeCounts(version: number, counts: DraftCounts, style: Style): string {
  const missing = missingSignatures(counts);
  const told =
    `${counts.old.signed} of ${counts.old.threshold} needed by version ${version - 1}, ` +
    `${counts.new.signed} of ${counts.new.threshold} by version ${version}`;
  if (missing === 0) return style.green(`signed   ${told}: complete`);
  return style.yellow(`signed   ${told}: ${missing} more to sign`);
}

/** The result of a command that changed the draft. */
export function draftResult(
  home: RootHome,
  { draft, dropped }: { readonly draft: RootDraft; readonly dropped: number },
  style: Style,
): CommandResult {
  const lost = `${dropped} signature${dropped === 1 ? "" : "s"} of the draft before it do not count`;
  return {
    exitCode: 0,
    json: { ...draftJson(home, draft), dropped },
    text: [
      ...describeDraft(home, draft, style),
      ...(dropped === 0 ? [] : [style.yellow(lost)]),
      "next     portcullis root sign --key FILE, by each operator in turn",
    ].join("\n"),
  };
}

function rolesOf(root: TrustRoot, keyid: string): readonly RoleName[] {
  return ROLE_NAMES.filter((role) => root.roles[role].keys.some((key) => key.keyid === keyid));
}

function namesOf(root: TrustRoot, role: RoleName): readonly string[] {
  const keyids = new Set(root.roles[role].keys.map(({ keyid }) => keyid));
  return [...root.keys].filter(([, { keyid }]) => keyids.has(keyid)).map(([name]) => name);
}
