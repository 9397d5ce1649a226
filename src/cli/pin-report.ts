// What `pin` found, for a person and for a program.
import { driftJson } from "../manifest/drift.ts";
import { renderDrift } from "../manifest/drift-render.ts";
import type { ServerDrift } from "../manifest/drift-types.ts";
import type { Change, PinChange } from "./pin-changes.ts";
import type { Proposal } from "./propose.ts";
import { columns, type Style, visible } from "./style.ts";

/** One server of a pin. */
export interface PinnedServer {
  readonly id: string;
  readonly isNew: boolean;
  /** The server fingerprint that the pins come to. */
  readonly fingerprint: string;
  /** How many definitions the server offers of the kinds that the catalog allows. */
  readonly offered: number;
  readonly changes: readonly PinChange[];
  /** What differs from the pins, member by member; `undefined` for a new server. */
  readonly drift: ServerDrift | undefined;
}

const DIGEST_CHARACTERS = "sha256:".length + 16;

/** One server as JSON. */
export function pinnedServerJson(server: PinnedServer): Record<string, unknown> {
  const { id, isNew, fingerprint, changes, drift } = server;
  return {
    id,
    new: isNew,
    fingerprint,
    items: changes.map(({ kind, name, change, expected, actual, proposed }) => ({
      kind,
      name,
      change,
      expected,
      ...(actual === undefined ? {} : { actual }),
      ...(proposed === undefined ? {} : { proposed }),
    })),
    ...(drift === undefined
      ? {}
      : { drift: { status: drift.status, items: drift.items.map(driftJson) } }),
  };
}

/** One server as lines of text. */
export function describePinned(server: PinnedServer, style: Style): readonly string[] {
  const { id, isNew, fingerprint, offered, changes, drift } = server;
  const isShown = drift !== undefined && drift.items.length > 0;
  const title = `${style.bold(id)}${isNew ? style.yellow("  new server") : ""}`;
  const count = `${offered} definition${offered === 1 ? "" : "s"} offered`;
  const rows = changes.map((change) => [
    `  ${MARKS[change.change](style)}`,
    change.kind.replace("_", " "),
    visible(change.name),
    digests(change, style),
    ...proposal(change.proposed, style),
  ]);
  return [
    ...(isShown ? [renderDrift(drift, { colour: style.isColoured }), ""] : []),
    `${title}  ${style.dim(count)}`,
    ...(rows.length === 0 ? [`  ${style.green("nothing changed")}`] : columns(rows)),
    `  fingerprint ${fingerprint}`,
  ];
}

/** Sentences for what needs an explanation, each once. */
export function explainChanges(servers: readonly PinnedServer[]): readonly string[] {
  const kinds = new Set(servers.flatMap(({ changes }) => changes.map(({ change }) => change)));
  const isProposed = servers.some(({ changes }) => changes.some((one) => one.proposed));
  return [
    ...(isProposed
      ? [
          "Scopes and effects marked `proposed` are guesses from words, and so are the reasons: " +
            "review them in catalog.toml.",
        ]
      : []),
    ...(kinds.has("left_out")
      ? [
          "Left out: it needs more than `max_allowed_scope` of its server. Raise that in " +
            "catalog.toml and pin again, or leave it refused.",
        ]
      : []),
    ...(kinds.has("missing")
      ? ["Missing: pinned, and not offered now. It stays pinned; --prune takes it out."]
      : []),
  ];
}

const MARKS: Readonly<Record<Change, (style: Style) => string>> = {
  added: (style) => style.green("+ added"),
  changed: (style) => style.red("~ changed"),
  missing: (style) => style.dim("? missing"),
  removed: (style) => style.red("- removed"),
  left_out: (style) => style.yellow("! left out"),
};

function digests({ expected, actual }: PinChange, style: Style): string {
  const old = expected[0];
  if (actual === undefined) return style.dim(short(old ?? ""));
  return old === undefined ? short(actual) : `${short(old)} -> ${short(actual)}`;
}

function short(digest: string): string {
  return digest.slice(0, DIGEST_CHARACTERS);
}

function proposal(proposed: Proposal | undefined, style: Style): readonly string[] {
  if (proposed === undefined) return [];
  const { scope, effect, because } = proposed;
  return [scope.join(","), effect, style.yellow("proposed"), style.dim(visible(because))];
}
