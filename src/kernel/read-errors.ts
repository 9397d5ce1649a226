// What the strict reader's codes mean to a person.
import * as layout from "../abi/layout.ts";

const READ_ERRORS: ReadonlyMap<number, string> = new Map([
  [layout.READ_SYNTAX, "expected JSON, got something else"],
  [layout.READ_DUPLICATE, "expected every member name once, got a duplicate"],
  [layout.READ_UTF8, "expected valid UTF-8, got an invalid sequence"],
  [layout.READ_SURROGATE, "expected surrogates in pairs, got a lone one"],
  [layout.READ_CONTROL, "expected no raw control character in a string, or the text ends in one"],
  [layout.READ_DEPTH, "expected at most 64 levels of nesting, got more"],
  [layout.READ_NUMBER, "expected a number that a double keeps, got one that would change"],
  [layout.READ_SIZE, "expected a text within the size limit, got a larger one"],
  [layout.READ_TRAILING, "expected nothing behind the value, got more text"],
  [layout.READ_LINE_BREAK, "expected one message on one line, got a line break inside it"],
  [layout.READ_SHAPE, "expected another shape"],
  [layout.READ_MEMBER_VARIANT, "expected known member names byte for byte, got a look-alike"],
  [layout.READ_ID, "expected an id that is a string or an integer, got something else"],
  [layout.READ_NAME, "expected a name that is a string within its limit"],
]);

/** One line for a READ_* code. */
export function describeReadError(code: number): string {
  return READ_ERRORS.get(code) ?? "expected a readable text";
}
