// One constraint and one value: what the check of arguments says.
import { expect } from "vitest";
import type { ArgumentConstraint, CatalogItem } from "../../src/catalog/types.ts";
import { type ArgumentCheck, checkArguments } from "../../src/guard/arguments.ts";

/** An item with these constraints, by pointer. */
export function item(args: Record<string, ArgumentConstraint>): Pick<CatalogItem, "args"> {
  return { args: new Map(Object.entries(args)) };
}

export function raw(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** `ok`, or what refuses. */
export function answer(check: ArgumentCheck): string {
  return check.ok ? "ok" : check.predicate;
}

/** What becomes of `value` under a constraint, given as an object and as bytes. */
export function ask(constraint: ArgumentConstraint, value: unknown): string {
  const check = item({ "/a": constraint });
  const object = answer(checkArguments(check, { a: value }));
  expect(answer(checkArguments(check, raw(JSON.stringify({ a: value }))))).toBe(object);
  return object;
}
