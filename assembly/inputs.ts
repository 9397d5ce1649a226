// The requested scopes of the checks that follow. The host sets them when they change, before it
// asks; the time likewise (`setTime` of check.ts).
//
// WHY: an argument costs a conversion at the boundary, and these hardly ever change from one call
// to the next; with all of them as arguments a check by handle took 1 to 5 ns more.

/** Requested scopes, the low word first. */
export let requestLow: u64 = u64.MAX_VALUE;
export let requestHigh: u64 = u64.MAX_VALUE;

export function setRequest(low: u64, high: u64): void {
  requestLow = low;
  requestHigh = high;
}
