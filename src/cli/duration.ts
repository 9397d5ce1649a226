// Durations as people type them.

import { quote } from "../errors.ts";
import { usageFault } from "./arguments.ts";
import type { CommandSpec } from "./command.ts";

const DURATION = /^([1-9]\d{0,8})([smhd])$/;
const UNIT_SECONDS: ReadonlyMap<string, number> = new Map([
  ["s", 1],
  ["m", 60],
  ["h", 3_600],
  ["d", 86_400],
]);

/**
 * Seconds in `30s`, `5m`, `2h` or `1d`.
 *
 * @throws {GuardError} USAGE for anything else, and for more than `secondsMax`.
 */
export function durationSeconds(
  spec: CommandSpec,
  option: string,
  text: string,
  secondsMax: number,
): number {
  const [, count = "", unit = ""] = DURATION.exec(text) ?? [];
  const seconds = Number(count) * (UNIT_SECONDS.get(unit) ?? Number.NaN);
  if (seconds >= 1 && seconds <= secondsMax) return seconds;
  const expected = `--${option} as 30s, 5m, 2h or 1d, at most ${Math.floor(secondsMax / 86_400)}d`;
  throw usageFault(spec, expected, quote(text));
}
