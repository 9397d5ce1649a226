// What the readers share about the text under the cursor.

/** Why the last reading stopped (READ_*). */
export let failure: i32 = 0;
/** Where it stopped. */
export let failureAt: usize = 0;
/** Lone-surrogate escapes and any valid JSON number pass. */
export let isLenient: bool = false;
/** Line breaks are white space anywhere, not only at the end. */
export let lineBreaksPass: bool = false;
/** Open `{` and `[` allowed. */
export let depthMax: i32 = 0;
/** Address behind the text. */
export let textEnd: usize = 0;

/** Starts a reading of the text that ends at `end`. */
export function beginText(end: usize, depth: i32, lenient: bool, lineBreaks: bool): void {
  failure = 0;
  failureAt = 0;
  isLenient = lenient;
  lineBreaksPass = lineBreaks;
  depthMax = depth;
  textEnd = end;
}

/** Records the first failure and returns 0, the address no text has. */
export function fail(code: i32, at: usize): usize {
  if (failure == 0) {
    failure = code;
    failureAt = at;
  }
  return 0;
}
