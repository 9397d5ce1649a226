// Edits a TOML text in place: what is not edited stays byte for byte, comments and order included.
import type { AST } from "toml-eslint-parser";
import type { KeyPathPart } from "./key-path.ts";
import { readTomlTree, type TomlHeader, type TomlMember } from "./toml-tree.ts";
import { tomlDottedKey } from "./toml-write.ts";

/** A key and its value, the value as TOML text. */
export type TomlEntry = readonly [key: string, valueText: string];

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * Collects edits of one text; paths are those of the text as given, so an edit does not see the
 * ones before it. A new member is written in the style its table already has: under a header, as a
 * dotted key, or in an inline table.
 */
export class TomlEditor {
  readonly #text: string;
  readonly #eol: string;
  readonly #edits: Edit[] = [];
  readonly #headers: readonly TomlHeader[];
  readonly #members: readonly TomlMember[];
  readonly #headerAt = new Map<string, TomlHeader>();
  /** Path of a table -> the last header at or below it. */
  readonly #lastHeaderIn = new Map<string, TomlHeader>();
  readonly #memberAt = new Map<string, TomlMember>();
  readonly #inlineAt = new Map<string, AST.TOMLInlineTable>();
  /** Path of a table that dotted keys make -> the last member that does so. */
  readonly #dottedAt = new Map<string, TomlMember>();
  /** Members to remove from inline tables; cut at the end, since commas depend on neighbours. */
  readonly #gone = new Map<AST.TOMLInlineTable, Set<AST.TOMLKeyValue>>();
  /** Inline tables that were empty and got a first member. */
  readonly #filled = new Set<AST.TOMLInlineTable>();

  /** @throws {GuardError} CATALOG_SYNTAX when `text` is not TOML. */
  constructor(text: string) {
    this.#text = text;
    this.#eol = /^[^\n]*\r\n/.test(text) ? "\r\n" : "\n";
    const tree = readTomlTree(text);
    this.#headers = tree.headers;
    this.#members = tree.members;
    for (const header of tree.headers) this.#indexHeader(header);
    for (const member of tree.members) this.#indexMember(member);
  }

  /** The value written at `path`; `undefined` for a table that headers or dotted keys make. */
  value(path: readonly KeyPathPart[]): AST.TOMLContentNode | undefined {
    return this.#memberAt.get(id(path))?.node.value;
  }

  /** True when there is a table or a value at `path`. */
  has(path: readonly KeyPathPart[]): boolean {
    const key = id(path);
    return this.#lastHeaderIn.has(key) || this.#memberAt.has(key) || this.#dottedAt.has(key);
  }

  /** True when a header names the table at `path` or one below it. */
  hasHeader(path: readonly KeyPathPart[]): boolean {
    return this.#lastHeaderIn.has(id(path));
  }

  /** Puts `text` in the place of a value. */
  replace(node: AST.TOMLContentNode, text: string): void {
    this.#edits.push({ start: node.range[0], end: node.range[1], text });
  }

  /** Adds a member that is not there yet to the table at `table`, made when it is missing. */
  addMember(table: readonly string[], entry: TomlEntry): void {
    const header = this.#headerAt.get(id(table));
    if (header !== undefined) {
      const last = header.node.body.at(-1) ?? header.node;
      this.#insertLine(last, `${tomlDottedKey([entry[0]])} = ${entry[1]}`);
    } else if (!this.#addBeside(table, entry)) {
      this.#addBlock(table, [entry], [table]);
    }
  }

  /**
   * Adds the table `[...parent, name]`, which is not there yet.
   *
   * @param after - a new header goes behind the last one at or below any of these paths; at the end
   * of the text where there is none.
   */
  addTable(
    parent: readonly string[],
    name: string,
    entries: readonly TomlEntry[],
    after: readonly (readonly string[])[],
  ): void {
    const body = entries.map(([key, value]) => `${tomlDottedKey([key])} = ${value}`).join(", ");
    if (!this.#addBeside(parent, [name, `{ ${body} }`])) {
      this.#addBlock([...parent, name], entries, after);
    }
  }

  /** Removes everything at or below `path`; comments above it stay. */
  remove(path: readonly string[]): void {
    const isBelow = (other: readonly KeyPathPart[]): boolean =>
      path.every((part, index) => part === other[index]);
    for (const header of this.#headers) {
      if (isBelow(header.path)) this.#removeLines(header.node);
    }
    for (const { path: at, node, home, inline } of this.#members) {
      // WHY: a member whose table is below `path` goes with that table
      if (!isBelow(at) || isBelow(home)) continue;
      if (inline === undefined) this.#removeLines(node);
      else this.#gone.set(inline, (this.#gone.get(inline) ?? new Set()).add(node));
    }
  }

  /** The text with all edits. */
  apply(): string {
    // WHY: the sort is stable, so insertions at one place keep their order
    const edits = [...this.#edits, ...this.#inlineCuts()].sort((a, b) => a.start - b.start);
    const parts: string[] = [];
    let end = 0;
    for (const edit of edits) {
      parts.push(this.#text.slice(end, edit.start), edit.text);
      end = edit.end;
    }
    parts.push(this.#text.slice(end));
    return parts.join("");
  }

  #indexHeader(header: TomlHeader): void {
    this.#headerAt.set(id(header.path), header);
    for (let length = 1; length <= header.path.length; length++) {
      this.#lastHeaderIn.set(id(header.path.slice(0, length)), header);
    }
  }

  #indexMember(member: TomlMember): void {
    const { path, node, home, inline } = member;
    this.#memberAt.set(id(path), member);
    if (node.value.type === "TOMLInlineTable") this.#inlineAt.set(id(path), node.value);
    if (inline !== undefined) return;
    for (let length = home.length + 1; length < path.length; length++) {
      this.#dottedAt.set(id(path.slice(0, length)), member);
    }
  }

  /** Adds to the inline table or beside the dotted keys that make `table`; false without either. */
  #addBeside(table: readonly string[], entry: TomlEntry): boolean {
    for (let length = table.length; length > 0; length--) {
      const key = id(table.slice(0, length));
      const inline = this.#inlineAt.get(key);
      if (inline !== undefined) {
        this.#insertInline(inline, line([...table.slice(length), entry[0]], entry[1]));
        return true;
      }
      const dotted = this.#dottedAt.get(key);
      if (dotted !== undefined) {
        const names = [...table.slice(dotted.home.length), entry[0]];
        this.#insertLine(dotted.node, line(names, entry[1]));
        return true;
      }
    }
    return false;
  }

  #addBlock(
    path: readonly string[],
    entries: readonly TomlEntry[],
    after: readonly (readonly string[])[],
  ): void {
    let anchor: AST.TOMLTable | undefined;
    for (const place of after) {
      const node = this.#lastHeaderIn.get(id(place))?.node;
      if (node !== undefined && node.range[0] >= (anchor?.range[0] ?? 0)) anchor = node;
    }
    const first = anchor?.body[0];
    const indent = anchor === undefined ? "" : this.#indentOf(anchor);
    const bodyIndent = first === undefined ? indent : this.#indentOf(first);
    const lines = [`${indent}[${tomlDottedKey(path)}]`];
    for (const [key, value] of entries) lines.push(bodyIndent + line([key], value));
    const block = lines.join(this.#eol);
    if (anchor !== undefined) {
      this.#insert(this.#lineEnd(anchor.range[1]), this.#eol + this.#eol + block);
      return;
    }
    const text = this.#text;
    const gap = text === "" ? "" : text.endsWith("\n") ? this.#eol : this.#eol + this.#eol;
    this.#insert(text.length, gap + block + this.#eol);
  }

  #insert(offset: number, text: string): void {
    this.#edits.push({ start: offset, end: offset, text });
  }

  /** A line below the one on which `node` ends, indented like `node`. */
  #insertLine(node: AST.TOMLNode, text: string): void {
    this.#insert(this.#lineEnd(node.range[1]), this.#eol + this.#indentOf(node) + text);
  }

  #insertInline(table: AST.TOMLInlineTable, text: string): void {
    const last = table.body.at(-1);
    if (last !== undefined) {
      this.#insert(last.range[1], `, ${text}`);
      return;
    }
    const inside = table.range[1] - 1;
    this.#insert(inside, this.#filled.has(table) ? `, ${text}` : ` ${text}`);
    this.#filled.add(table);
  }

  /** Removes the lines of a node, and one empty line behind a table. */
  #removeLines(node: AST.TOMLTable | AST.TOMLKeyValue): void {
    const text = this.#text;
    const start = text.lastIndexOf("\n", node.range[0] - 1) + 1;
    let end = afterLine(text, node.range[1]);
    if (node.type === "TOMLTable" && /^[ \t]*\r?\n/.test(text.slice(end, end + 256))) {
      end = afterLine(text, end);
    }
    this.#edits.push({ start, end, text: "" });
  }

  #inlineCuts(): readonly Edit[] {
    const cuts: Edit[] = [];
    for (const [table, gone] of this.#gone) {
      let kept: AST.TOMLKeyValue | undefined;
      for (const [index, node] of table.body.entries()) {
        const next = table.body[index + 1];
        if (!gone.has(node)) kept = node;
        else if (kept === undefined) {
          const end = next === undefined ? node.range[1] : next.range[0];
          cuts.push({ start: node.range[0], end, text: "" });
        } else {
          const before = table.body[index - 1] ?? kept;
          cuts.push({ start: before.range[1], end: node.range[1], text: "" });
        }
      }
    }
    return cuts;
  }

  #lineEnd(offset: number): number {
    const feed = this.#text.indexOf("\n", offset);
    if (feed === -1) return this.#text.length;
    return this.#text[feed - 1] === "\r" ? feed - 1 : feed;
  }

  #indentOf(node: AST.TOMLNode): string {
    const start = this.#text.lastIndexOf("\n", node.range[0] - 1) + 1;
    const before = this.#text.slice(start, node.range[0]);
    return /^[ \t]*$/.test(before) ? before : "";
  }
}

function id(path: readonly KeyPathPart[]): string {
  return JSON.stringify(path);
}

function line(names: readonly string[], value: string): string {
  return `${tomlDottedKey(names)} = ${value}`;
}

function afterLine(text: string, offset: number): number {
  const feed = text.indexOf("\n", offset);
  return feed === -1 ? text.length : feed + 1;
}
