// The arguments of one call, read once (style.md rule 6): what is checked is this copy.
import { LIMIT_DEPTH, LIMIT_MESSAGE_BYTES_MAX, LIMIT_MESSAGE_STDIO_BYTES } from "../abi/limits.ts";
import { utf8Text } from "../bytes.ts";
import { jsonBytes, parseStrictJson } from "../kernel/strict-json.ts";

/** A JSON object. Members are own ones; `__proto__` is a name like any other. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** True for what `JSON.parse` makes of `{...}`. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Arguments that the strict reader accepted: one JSON object, its text and its value. */
export class ArgumentSnapshot {
  /** The JSON text: as it came, or as `JSON.stringify` writes the copy. */
  readonly text: string;
  readonly value: JsonObject;

  private constructor(text: string, value: JsonObject) {
    this.text = text;
    this.value = value;
  }

  /**
   * Reads arguments once.
   *
   * Raw bytes are copied and must be one JSON object for the strict reader (20-fingerprint section
   * 1). A value must be plain data: a getter, a `toJSON`, a cycle, a bigint, a function, an
   * `undefined` member, a hole or an object of a class has no snapshot, because what would be
   * forwarded is not what was read; nor has more than 10 Mi units, of which a character is one and a
   * value eight. Absent arguments are `{}`.
   *
   * @param source bytes of JSON text, a value, or a snapshot, which is returned as it is
   * @returns `undefined` for what is none of these. Never throws.
   */
  static of(source: unknown): ArgumentSnapshot | undefined {
    if (source instanceof ArgumentSnapshot) return source;
    try {
      const bytes = source instanceof Uint8Array ? copyBytes(source) : valueBytes(source ?? {});
      if (bytes === undefined) return undefined;
      const value = parseStrictJson(bytes);
      const text = utf8Text(bytes);
      return text !== undefined && isJsonObject(value)
        ? new ArgumentSnapshot(text, value)
        : undefined;
    } catch {
      // a proxy's trap, a text that the strict reader refuses, no memory: no snapshot
      return undefined;
    }
  }
}

/** A copy that nobody else can change. A `Buffer`'s own `slice` would be a view. */
function copyBytes(bytes: Uint8Array): Uint8Array | undefined {
  return bytes.length > LIMIT_MESSAGE_BYTES_MAX ? undefined : new Uint8Array(bytes);
}

function valueBytes(value: unknown): Uint8Array | undefined {
  const copy = copyValue(value, { left: LIMIT_MESSAGE_STDIO_BYTES }, 1);
  return copy === REFUSED ? undefined : jsonBytes(JSON.stringify(copy));
}

const REFUSED = Symbol("not plain data");

/** What one value counts beside its text: what copying it costs, against one character. */
const VALUE_UNITS = 8;

/** Units that may still be copied: members that are shared could double at every level. */
interface Budget {
  left: number;
}

function copyValue(value: unknown, budget: Budget, depth: number): unknown {
  budget.left -= VALUE_UNITS + (typeof value === "string" ? value.length : 0);
  if (budget.left < 0) return REFUSED;
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : REFUSED;
  if (typeof value !== "object" || depth > LIMIT_DEPTH || "toJSON" in value) return REFUSED;
  return Array.isArray(value) ? copyArray(value, budget, depth) : copyObject(value, budget, depth);
}

function copyArray(source: readonly unknown[], budget: Budget, depth: number): unknown {
  const { length } = source;
  // a member beside the elements, or a hole, would be lost
  if (length > budget.left || Object.keys(source).length !== length) return REFUSED;
  const copy: unknown[] = [];
  for (let index = 0; index < length; index++) {
    const element = ownValue(source, String(index), budget, depth);
    if (element === REFUSED) return REFUSED;
    copy.push(element);
  }
  return copy;
}

function copyObject(source: object, budget: Budget, depth: number): unknown {
  if (!isPlain(source)) return REFUSED;
  const copy: Record<string, unknown> = Object.create(null);
  for (const name of Object.keys(source)) {
    budget.left -= name.length;
    const member = ownValue(source, name, budget, depth);
    if (member === REFUSED) return REFUSED;
    copy[name] = member;
  }
  return copy;
}

/** The data member `name`, copied; a getter is refused without being asked. */
function ownValue(source: object, name: string, budget: Budget, depth: number): unknown {
  const descriptor = Object.getOwnPropertyDescriptor(source, name);
  if (descriptor === undefined || !("value" in descriptor)) return REFUSED;
  const member: unknown = descriptor.value;
  return copyValue(member, budget, depth + 1);
}

/** An object literal of any realm, or one without a prototype. */
function isPlain(source: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(source);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
