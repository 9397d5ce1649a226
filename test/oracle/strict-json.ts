// Oracle: a JSON reader as strict as 20-fingerprint section 1 asks, by plain recursive descent.
// Written from the design page and RFC 8259 alone; shares no code with src/ or assembly/.

/** Why a text is refused. */
export type JsonFault =
  | "syntax"
  | "duplicate"
  | "utf8"
  | "surrogate"
  | "control"
  | "depth"
  | "number"
  | "size";

interface Span {
  /** Byte offset of the first byte of the value. */
  readonly start: number;
  /** Byte offset after its last byte. */
  readonly end: number;
}
export interface LiteralNode extends Span {
  readonly type: "literal";
  readonly value: boolean | null;
}
export interface NumberNode extends Span {
  readonly type: "number";
  /** As written. */
  readonly text: string;
}
export interface StringNode extends Span {
  readonly type: "string";
  /** Unescaped. */
  readonly value: string;
}
export interface ArrayNode extends Span {
  readonly type: "array";
  readonly items: readonly JsonNode[];
}
export interface Member {
  /** Unescaped. */
  readonly name: string;
  readonly value: JsonNode;
}
export interface ObjectNode extends Span {
  readonly type: "object";
  /** In the order of the text. */
  readonly members: readonly Member[];
}
export type JsonNode = LiteralNode | NumberNode | StringNode | ArrayNode | ObjectNode;

export interface ReadOptions {
  /** Open `{` and `[`, the outermost one counted; 64 when absent. */
  readonly depthMax?: number;
  /** Bytes of the whole text; no limit when absent. */
  readonly sizeMax?: number;
  /** Lone-surrogate escapes and every number of the JSON grammar pass. */
  readonly lenient?: boolean;
}

export type ReadResult =
  | { readonly ok: true; readonly value: JsonNode }
  | { readonly ok: false; readonly error: JsonFault };

/** What can be known of a text even when it is refused. */
export interface TolerantReading {
  /** The value; absent when the bytes are not JSON at all, present beside every other fault. */
  readonly value: JsonNode | undefined;
  /** The first fault in the order of the bytes. */
  readonly fault: JsonFault | undefined;
  /** Members of the outermost object that were read to their end, in order. */
  readonly topMembers: readonly Member[];
}

/** Thrown inside this file only: the text ends to be JSON here. */
class NotJson extends Error {
  readonly fault: JsonFault;
  constructor(fault: JsonFault) {
    super(fault);
    this.fault = fault;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["\\", "\\"],
  ["/", "/"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);
const NUMBER_GRAMMAR = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/;

/** True when 20-fingerprint section 1 accepts this number; `text` follows the JSON grammar. */
export function isNumberAccepted(text: string): boolean {
  const value = Number(text);
  if (/^-?[0-9]+$/.test(text)) return text === "-0" || String(value) === text;
  if (!Number.isFinite(value)) return false;
  const mantissa = text.split(/[eE]/)[0] ?? "";
  return value !== 0 || /^[-.0]*$/.test(mantissa);
}

class Reader {
  readonly topMembers: Member[] = [];
  fault: JsonFault | undefined;
  private offset = 0;
  private readonly bytes: Uint8Array;
  private readonly depthMax: number;
  private readonly lenient: boolean;
  private readonly decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  constructor(bytes: Uint8Array, options: ReadOptions) {
    this.bytes = bytes;
    this.depthMax = options.depthMax ?? 64;
    this.lenient = options.lenient ?? false;
  }

  readText(): JsonNode {
    const value = this.readValue(0);
    this.skipWhiteSpace();
    if (this.offset !== this.bytes.length) throw new NotJson("syntax");
    return value;
  }

  /** Keeps the first of the faults that leave the text JSON. */
  private note(fault: JsonFault): void {
    this.fault ??= fault;
  }

  private peek(): number {
    return this.bytes[this.offset] ?? -1;
  }

  private expect(byte: number): void {
    if (this.peek() !== byte) throw new NotJson("syntax");
    this.offset++;
  }

  private skipWhiteSpace(): void {
    while ([0x20, 0x09, 0x0a, 0x0d].includes(this.peek())) this.offset++;
  }

  /** `depth` counts the brackets that are open around the value. */
  private readValue(depth: number): JsonNode {
    this.skipWhiteSpace();
    const first = this.peek();
    if (first === OPEN_OBJECT || first === OPEN_ARRAY) {
      if (depth + 1 > this.depthMax) return this.skipTooDeep();
      return first === OPEN_OBJECT ? this.readObject(depth + 1) : this.readArray(depth + 1);
    }
    const start = this.offset;
    if (first === QUOTE) {
      const value = this.readString();
      return { type: "string", value, start, end: this.offset };
    }
    if (first === 0x74) return this.readLiteral("true", true);
    if (first === 0x66) return this.readLiteral("false", false);
    if (first === 0x6e) return this.readLiteral("null", null);
    return this.readNumber();
  }

  private readLiteral(word: string, value: boolean | null): JsonNode {
    const start = this.offset;
    for (const character of word) this.expect(character.charCodeAt(0));
    return { type: "literal", value, start, end: this.offset };
  }

  private readNumber(): JsonNode {
    const start = this.offset;
    let text = "";
    while (/[0-9+\-.eE]/.test(String.fromCharCode(Math.max(0, this.peek())))) {
      text += String.fromCharCode(this.peek());
      this.offset++;
    }
    if (!NUMBER_GRAMMAR.test(text)) throw new NotJson("syntax");
    if (!this.lenient && !isNumberAccepted(text)) this.note("number");
    return { type: "number", text, start, end: this.offset };
  }

  private readString(): string {
    this.expect(QUOTE);
    let value = "";
    for (;;) {
      value += this.readPlainRun();
      const byte = this.peek();
      if (byte === -1) throw new NotJson("syntax");
      if (byte < 0x20) throw new NotJson("control");
      this.offset++;
      if (byte === QUOTE) break;
      value += this.readEscape();
    }
    if (!this.lenient && !value.isWellFormed()) this.note("surrogate");
    return value;
  }

  /** The characters up to the next quote, backslash, control character or end. */
  private readPlainRun(): string {
    const start = this.offset;
    while (this.peek() >= 0x20 && this.peek() !== QUOTE && this.peek() !== BACKSLASH) this.offset++;
    try {
      return this.decoder.decode(this.bytes.subarray(start, this.offset));
    } catch {
      throw new NotJson("utf8");
    }
  }

  /** What follows a backslash. */
  private readEscape(): string {
    const letter = String.fromCharCode(Math.max(0, this.peek()));
    this.offset++;
    if (letter !== "u") {
      const character = ESCAPES.get(letter);
      if (character === undefined) throw new NotJson("syntax");
      return character;
    }
    const digits = String.fromCharCode(...this.bytes.subarray(this.offset, this.offset + 4));
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw new NotJson("syntax");
    this.offset += 4;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  private readArray(depth: number): JsonNode {
    const start = this.offset;
    this.expect(OPEN_ARRAY);
    const items: JsonNode[] = [];
    this.skipWhiteSpace();
    if (this.peek() !== CLOSE_ARRAY) {
      for (;;) {
        items.push(this.readValue(depth));
        this.skipWhiteSpace();
        if (this.peek() !== COMMA) break;
        this.offset++;
      }
    }
    this.expect(CLOSE_ARRAY);
    return { type: "array", items, start, end: this.offset };
  }

  private readObject(depth: number): JsonNode {
    const start = this.offset;
    this.expect(OPEN_OBJECT);
    const members: Member[] = [];
    const names = new Set<string>();
    this.skipWhiteSpace();
    if (this.peek() !== CLOSE_OBJECT) {
      for (;;) {
        this.skipWhiteSpace();
        const name = this.readString();
        if (names.has(name)) this.note("duplicate");
        names.add(name);
        this.skipWhiteSpace();
        this.expect(COLON);
        const member = { name, value: this.readValue(depth) };
        members.push(member);
        this.skipWhiteSpace();
        // what follows shows that the value is complete: `7` may be the head of a cut-off `77`
        const isComplete = this.peek() === COMMA || this.peek() === CLOSE_OBJECT;
        if (depth === 1 && isComplete) this.topMembers.push(member);
        if (this.peek() !== COMMA) break;
        this.offset++;
      }
    }
    this.expect(CLOSE_OBJECT);
    return { type: "object", members, start, end: this.offset };
  }

  /** Steps over a value that nests too deep by matching brackets; its inside stays unread. */
  private skipTooDeep(): JsonNode {
    this.note("depth");
    const start = this.offset;
    const closers: number[] = [];
    do {
      const byte = this.peek();
      if (byte === -1) throw new NotJson("syntax");
      if (byte === QUOTE) {
        this.readString();
        continue;
      }
      if (byte === OPEN_OBJECT) closers.push(CLOSE_OBJECT);
      if (byte === OPEN_ARRAY) closers.push(CLOSE_ARRAY);
      if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) {
        if (closers.pop() !== byte) throw new NotJson("syntax");
      }
      this.offset++;
    } while (closers.length > 0);
    return { type: "literal", value: null, start, end: this.offset };
  }
}

/** Reads as far as the bytes are JSON, and says which fault came first. */
export function readTolerant(bytes: Uint8Array, options: ReadOptions = {}): TolerantReading {
  if (options.sizeMax !== undefined && bytes.length > options.sizeMax) {
    return { value: undefined, fault: "size", topMembers: [] };
  }
  const reader = new Reader(bytes, options);
  try {
    const value = reader.readText();
    return { value, fault: reader.fault, topMembers: reader.topMembers };
  } catch (error) {
    if (!(error instanceof NotJson)) throw error;
    const fault = reader.fault ?? error.fault;
    return { value: undefined, fault, topMembers: reader.topMembers };
  }
}

/**
 * Reads one JSON text; any fault refuses all of it.
 *
 * `error` is the first fault in the order of the bytes. Only `ok` is normative: another reader may
 * name another fault of a text that has several.
 */
export function readStrict(bytes: Uint8Array, options: ReadOptions = {}): ReadResult {
  const { value, fault } = readTolerant(bytes, options);
  if (fault !== undefined) return { ok: false, error: fault };
  return value === undefined ? { ok: false, error: "syntax" } : { ok: true, value };
}
