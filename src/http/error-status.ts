// HTTP statuses of errors in the modern era (2026-07-28, Streamable HTTP): what a server on a pipe cannot
// say, and the guard says for it.
import { readNumber, valueAt, wholeValue } from "../proxy/json-members.ts";

const STATUS_OF_CODE: ReadonlyMap<number, number> = new Map([
  /* method not found */ [-32601, 404],
  /* missing client capability */ [-32021, 400],
  /* unsupported protocol version */ [-32022, 400],
]);

/** @param line a response; any other error, and every result, is 200 */
export function statusOfAnswer(line: Uint8Array): number {
  const code = readNumber(line, valueAt(line, wholeValue(line), "error", "code"));
  return (code === undefined ? undefined : STATUS_OF_CODE.get(code)) ?? 200;
}
