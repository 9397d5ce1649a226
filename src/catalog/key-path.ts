// Key paths of a TOML document, as errors name them: `servers.fs.tools."a b".scope[0]`.
import type { TomlArea } from "./toml.ts";

/** A place in a document; a linked list, so that a path costs nothing until an error needs it. */
export interface KeyPath {
  readonly area: TomlArea;
  /** `undefined` for the document itself. */
  readonly parent: KeyPath | undefined;
  /** Key of a table, or 0-based index of an array. */
  readonly key: string | number;
}

export type KeyPathPart = string | number;

const BARE_KEY = /^[A-Za-z0-9_-]+$/;
const PATH_TOKEN = /(?:^|\.)(?:([A-Za-z0-9_-]+)|("(?:[^"\\]|\\.)*"))|\[(\d{1,9})\]/gy;
const KEY_CHARACTERS_MAX = 256;

/** The path of the whole document. */
export function documentPath(area: TomlArea): KeyPath {
  return { area, parent: undefined, key: "" };
}

/** The path of a member of the table or array at `parent`. */
export function childPath(parent: KeyPath, key: string | number): KeyPath {
  return { area: parent.area, parent, key };
}

/** The text of a path; printable ASCII only, keys cut to 256 characters; empty for the document. */
export function renderKeyPath(path: KeyPath): string {
  const parts: KeyPathPart[] = [];
  for (let at = path; at.parent !== undefined; at = at.parent) parts.push(at.key);
  return renderKeyPathParts(parts.reverse());
}

/** The text of a path given as its parts. */
export function renderKeyPathParts(parts: readonly KeyPathPart[]): string {
  let text = "";
  for (const part of parts) {
    if (typeof part === "number") text += `[${part}]`;
    else text += `${text === "" ? "" : "."}${renderKey(part)}`;
  }
  return text;
}

/** The parts of a path's text, or `undefined` when it is not one. */
export function parseKeyPath(text: string): readonly KeyPathPart[] | undefined {
  const parts: KeyPathPart[] = [];
  let end = 0;
  for (const match of text.matchAll(PATH_TOKEN)) {
    const [whole, bare, quoted, index] = match;
    if (bare !== undefined) parts.push(bare);
    else if (quoted !== undefined) parts.push(unquoteKey(quoted));
    else parts.push(Number(index));
    end = match.index + whole.length;
  }
  return end === text.length ? parts : undefined;
}

function renderKey(key: string): string {
  if (BARE_KEY.test(key) && key.length <= KEY_CHARACTERS_MAX) return key;
  const cut = key.length > KEY_CHARACTERS_MAX ? `${key.slice(0, KEY_CHARACTERS_MAX)}...` : key;
  return JSON.stringify(cut).replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function unquoteKey(quoted: string): string {
  try {
    const value: unknown = JSON.parse(quoted);
    return typeof value === "string" ? value : quoted;
  } catch {
    return quoted;
  }
}
