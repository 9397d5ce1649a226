// Freezing of values that came out of JSON.parse.

/** Freezes a JSON value and all that is in it; its depth is bounded by the strict reader. */
export function deepFreeze<T extends object>(value: T): T {
  for (const member of Object.values(value)) {
    if (typeof member === "object" && member !== null) deepFreeze(member);
  }
  return Object.freeze(value);
}
