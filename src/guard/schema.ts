// Arguments against the pinned input schema (40-gateway section 4; JSON Schema 2020-12, draft-07).
import { type OutputUnit, validate } from "@cfworker/json-schema";
import { quote } from "../errors.ts";
import { ArgumentSnapshot, type JsonObject } from "./argument-snapshot.ts";
import { simpleFold } from "./case-fold.ts";
import { compileSchema, type SchemaProgram } from "./schema-compile.ts";
import { SchemaCost } from "./schema-cost.ts";
import { readSchema, SchemaFault } from "./schema-read.ts";

/** The answer for the arguments of one call. */
export type SchemaResult =
  | { readonly ok: true }
  | {
      readonly ok: false;
      /** The keyword that does not hold, or `schema`, `json`, `case`, `cost`, `fault`. */
      readonly keyword: string;
      /** Place in the schema, `#/properties/path/type`; empty where no keyword is at fault. */
      readonly location: string;
      /** One line, never with an argument's value or a name that the call brought. */
      readonly message: string;
    };

const HOLDS: SchemaResult = Object.freeze({ ok: true });

/** Keywords whose own finding only says that a subschema's finding follows. */
const WRAPPERS: ReadonlySet<string> = new Set([
  "$ref",
  "additionalItems",
  "additionalProperties",
  "allOf",
  "if",
  "items",
  "prefixItems",
  "properties",
  "propertyNames",
  "unevaluatedItems",
  "unevaluatedProperties",
]);

/**
 * An input schema, compiled once and asked for every call.
 *
 * `pattern`, `patternProperties` and `format` are not evaluated: a pattern like `^(a+)+$` would
 * hang a guard. Whatever they might accept is accepted. Nothing is fetched, and no code is
 * generated.
 *
 * @example
 * const check = SchemaCheck.compile({ type: "object", required: ["path"] });
 * check.check({}).ok; // false
 */
export class SchemaCheck {
  /** Why the schema cannot be used; then every call is refused, and the item is not to be pinned. */
  readonly fault: string | undefined;
  /** Subschemas, as a measure of the memory that it takes; 0 with a fault. */
  readonly subschemas: number;
  readonly #program: SchemaProgram | undefined;

  private constructor(program: SchemaProgram | SchemaFault) {
    const isFault = program instanceof SchemaFault;
    this.fault = isFault ? program.message : undefined;
    this.subschemas = isFault ? 0 : program.subschemas;
    this.#program = isFault ? undefined : program;
  }

  /**
   * Compiles an `inputSchema`: raw JSON bytes, or a value, which is read once.
   *
   * Never throws; a schema that does not compile has a `fault`.
   */
  static compile(inputSchema: unknown): SchemaCheck {
    const snapshot = inputSchema === undefined ? undefined : ArgumentSnapshot.of(inputSchema);
    if (snapshot === undefined) {
      const wanted = "expected a json object of plain data, at most 64 levels deep";
      return new SchemaCheck(new SchemaFault(`${wanted}, got another value`));
    }
    try {
      const read = readSchema(snapshot.value);
      return new SchemaCheck(read instanceof SchemaFault ? read : compileSchema(read));
    } catch {
      return new SchemaCheck(new SchemaFault("expected a schema that compiles, got another"));
    }
  }

  /**
   * Validates arguments: raw JSON bytes, a value, or a snapshot.
   *
   * Refused besides what the schema refuses: a member that equals a declared one under simple case
   * folding without being declared itself, and a validation of more than 2 097 152 steps. Never
   * throws.
   */
  check(args: unknown): SchemaResult {
    if (this.#program === undefined) {
      return refuse("schema", "", `expected a schema that compiles; ${this.fault ?? ""}`);
    }
    const snapshot = ArgumentSnapshot.of(args);
    if (snapshot === undefined) {
      return refuse("json", "", "expected arguments as one json object of plain data, got another");
    }
    try {
      return checkValue(this.#program, snapshot.value);
    } catch {
      return refuse("fault", "", "expected arguments that can be validated, got a fault");
    }
  }
}

function checkValue(program: SchemaProgram, value: JsonObject): SchemaResult {
  const cost = new SchemaCost(program);
  if (!cost.fits(value)) {
    return refuse("cost", "", "expected arguments that validate in bounded time, got larger ones");
  }
  for (const [object, names] of cost.declared) {
    if (!hasLookAlike(object, names)) continue;
    const message = "expected declared names byte for byte, got one that differs in case only";
    return refuse("case", "", message);
  }
  const { dialect, root, lookup } = program;
  const { valid, errors } = validate(value, root, dialect, lookup);
  if (valid === true) return HOLDS;
  const { keyword, location } = firstFinding(errors);
  const message = `expected arguments that the pinned schema accepts, got others at ${quote(location)}`;
  return refuse(keyword, location, message);
}

function refuse(keyword: string, location: string, message: string): SchemaResult {
  return { ok: false, keyword, location, message };
}

/** True when a member is not declared, and equals a declared name but for case. */
function hasLookAlike(object: JsonObject, names: ReadonlySet<string>): boolean {
  const others = Object.keys(object).filter((name) => !names.has(name));
  if (others.length === 0) return false;
  const folded = new Set([...names].map(simpleFold));
  return others.some((name) => folded.has(simpleFold(name)));
}

/**
 * The first finding that says something itself. Its place is one in the schema, which the operator
 * has reviewed; the validator's own words would hold the argument.
 */
function firstFinding(errors: readonly OutputUnit[]): { keyword: string; location: string } {
  let wrapper: OutputUnit | undefined;
  for (const finding of errors) {
    // a boolean schema reports the argument's place as its own
    const known = finding.keyword === "false" ? wrapper : finding;
    if (known === undefined) continue;
    if (finding.keyword === "false" || !WRAPPERS.has(finding.keyword)) {
      return { keyword: known.keyword, location: known.keywordLocation };
    }
    wrapper = finding;
  }
  return { keyword: wrapper?.keyword ?? "false", location: wrapper?.keywordLocation ?? "#" };
}
