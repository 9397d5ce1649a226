// Predicates on one argument that is present (40-gateway section 4).
import type { ArgumentConstraint } from "../catalog/types.ts";
import { matchesHost, readUrlHead } from "./argument-host.ts";
import { isPathUnder } from "./argument-path.ts";

/** A predicate by its name in the catalog. */
export type Predicate =
  | "under"
  | "host"
  | "one_of"
  | "prefix"
  | "max_length"
  | "min"
  | "max"
  | "absent";

/** The predicates of a constraint, in the order in which they are asked. */
export function predicatesOf(constraint: ArgumentConstraint): readonly Predicate[] {
  const { under, host, oneOf, prefix, maxLength, min, max, absent } = constraint;
  const asked: readonly (readonly [Predicate, unknown])[] = [
    ["absent", absent],
    ["under", under],
    ["host", host],
    ["one_of", oneOf],
    ["prefix", prefix],
    ["max_length", maxLength],
    ["min", min],
    ["max", max],
  ];
  return asked.filter(([, wanted]) => wanted !== undefined).map(([predicate]) => predicate);
}

/** True when `predicate` of `constraint` holds for `value`; another type never holds. */
export function holds(
  predicate: Predicate,
  constraint: ArgumentConstraint,
  value: unknown,
): boolean {
  const { under, oneOf, prefix, maxLength, min, max } = constraint;
  switch (predicate) {
    case "under":
      return typeof value === "string" && (under ?? []).some((one) => isPathUnder(value, one));
    case "host":
      return typeof value === "string" && isAtHost(value, constraint);
    case "one_of":
      return (oneOf ?? []).some((choice) => choice === value);
    case "prefix":
      return typeof value === "string" && (prefix ?? []).some((start) => value.startsWith(start));
    case "max_length":
      return typeof value === "string" && maxLength !== undefined && utf8Size(value) <= maxLength;
    case "min":
      return typeof value === "number" && min !== undefined && value >= min;
    case "max":
      return typeof value === "number" && max !== undefined && value <= max;
    case "absent":
      return false;
  }
}

/** `scheme` defaults to https here too, for a constraint that no parser made. */
function isAtHost(url: string, { host = [], scheme = ["https"] }: ArgumentConstraint): boolean {
  const head = readUrlHead(url);
  if (head === undefined || !scheme.includes(head.scheme)) return false;
  return host.some((pattern) => matchesHost(head.host, pattern));
}

/** Bytes of UTF-8, counted without writing them. */
function utf8Size(text: string): number {
  let size = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    // each half of a surrogate pair stands for two of its four bytes
    if (unit >= 0x80) size += unit >= 0x800 && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return size;
}
