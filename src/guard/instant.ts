// Points in time as callers hold them.

/** ms since the epoch, RFC 3339 text with a zone, or a Date. */
export type InstantSource = number | string | Date;

/** The first ms that ECMAScript has no date for. */
const TIME_END = 8_640_000_000_000_001;
const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)$/;

/**
 * Whole ms since the epoch, above 0; `undefined` for everything that is no such time.
 *
 * A date that does not exist (30 February) is no time: text must come back as it was written.
 */
export function readInstant(source: unknown): number | undefined {
  if (typeof source === "number") return isTime(source) ? Math.floor(source) : undefined;
  if (typeof source === "string") return readText(source);
  // WHY: Date.prototype, so that a subclass cannot answer for itself
  return source instanceof Date ? readInstant(Date.prototype.getTime.call(source)) : undefined;
}

function isTime(value: number): boolean {
  return value >= 1 && value < TIME_END;
}

function readText(text: string): number | undefined {
  if (!RFC_3339.test(text)) return undefined;
  const value = Date.parse(text);
  if (!isTime(value)) return undefined;
  // engines carry 30 February over into March: the day must be the one that was written
  const dayMs = Date.parse(`${text.slice(0, 10)}T00:00:00Z`);
  const isRealDay = new Date(dayMs).toISOString().slice(0, 10) === text.slice(0, 10);
  return isRealDay ? value : undefined;
}
