// A TOML text with positions: every header and every `key = value`, with its path. For editing in
// place and for line numbers in errors; nothing is ever decided from it (10-catalog section 1).
import { type AST, ParseError, parseTOML } from "toml-eslint-parser";
import { GuardError } from "../errors.ts";
import type { KeyPathPart } from "./key-path.ts";

/** A `[table]` or `[[array]]` line and the members below it. */
export interface TomlHeader {
  readonly path: readonly KeyPathPart[];
  readonly node: AST.TOMLTable;
}

/** One `key = value`. */
export interface TomlMember {
  /** From the document down, dotted keys split. */
  readonly path: readonly KeyPathPart[];
  readonly node: AST.TOMLKeyValue;
  /** Path of the header above it, or of the inline table around it. */
  readonly home: readonly KeyPathPart[];
  /** The inline table around it, or `undefined`. */
  readonly inline: AST.TOMLInlineTable | undefined;
}

/** In the order of the text; members of inline tables come right after the table's own member. */
export interface TomlTree {
  readonly headers: readonly TomlHeader[];
  readonly members: readonly TomlMember[];
}

/**
 * Reads the positions in `text`. Offsets are UTF-16 code units.
 *
 * @throws {GuardError} CATALOG_SYNTAX with line and column when `text` is not TOML.
 */
export function readTomlTree(text: string): TomlTree {
  const headers: TomlHeader[] = [];
  const members: TomlMember[] = [];
  for (const node of parse(text).body[0].body) {
    if (node.type === "TOMLKeyValue") {
      addMember(members, node, [], undefined);
      continue;
    }
    headers.push({ path: node.resolvedKey, node });
    for (const child of node.body) addMember(members, child, node.resolvedKey, undefined);
  }
  return { headers, members };
}

/** How many parts `a` and `b` share from the start. */
export function sharedLength(a: readonly KeyPathPart[], b: readonly KeyPathPart[]): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length += 1;
  return length;
}

function parse(text: string): AST.TOMLProgram {
  try {
    return parseTOML(text, { tomlVersion: "1.1" });
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const at = { line: error.lineNumber, column: error.column + 1 };
    throw new GuardError("CATALOG_SYNTAX", "expected toml, got a mistake", { cause: error, at });
  }
}

function keyNames(key: AST.TOMLKey): readonly string[] {
  return key.keys.map((part) => (part.type === "TOMLBare" ? part.name : part.value));
}

function addMember(
  members: TomlMember[],
  node: AST.TOMLKeyValue,
  home: readonly KeyPathPart[],
  inline: AST.TOMLInlineTable | undefined,
): void {
  const path = [...home, ...keyNames(node.key)];
  members.push({ path, node, home, inline });
  addInline(members, node.value, path);
}

function addInline(
  members: TomlMember[],
  value: AST.TOMLContentNode,
  path: readonly KeyPathPart[],
): void {
  if (value.type === "TOMLInlineTable") {
    for (const child of value.body) addMember(members, child, path, value);
  } else if (value.type === "TOMLArray") {
    for (const [index, element] of value.elements.entries()) {
      addInline(members, element, [...path, index]);
    }
  }
}
