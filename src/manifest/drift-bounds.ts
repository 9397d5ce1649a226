// Which change of a numeric JSON Schema keyword lets more values pass.
import { memberOf } from "./drift-json.ts";

/** A keyword of a schema that differs. */
export interface KeywordChange {
  readonly keyword: string;
  /** `undefined` when the keyword is not there. */
  readonly before: unknown;
  readonly after: unknown;
  /** The schemas that the keyword is in. */
  readonly schemaBefore: unknown;
  readonly schemaAfter: unknown;
}

/** Why the change lets more values pass; `undefined` when it does not. */
export type KeywordRule = (change: KeywordChange) => string | undefined;

/** A bound that lets more pass when it grows; `twin` is the other way to say it. */
export function upper(twin?: string): KeywordRule {
  return (change) => bound(change, twin, (old, now) => now > old, "raised");
}

export function lower(twin?: string, whenAbsent?: number): KeywordRule {
  return (change) => bound(change, twin, (old, now) => now < old, "lowered", whenAbsent);
}

function bound(
  { keyword, before, after, schemaAfter }: KeywordChange,
  twin: string | undefined,
  isWider: (old: number, now: number) => boolean,
  how: string,
  whenAbsent?: number,
): string | undefined {
  const old = before ?? whenAbsent;
  if (old === undefined || old === false) return undefined;
  const gone = `\`${keyword}\` is gone`;
  const other = twin === undefined ? undefined : memberOf(schemaAfter, twin);
  if (after === undefined && typeof old === "number" && typeof other === "number") {
    // 10 passes `maximum: 10` and not `exclusiveMaximum: 10`
    const isLooser = keyword.startsWith("exclusive") && other === old;
    return isLooser || isWider(old, other) ? gone : undefined;
  }
  const now = after ?? whenAbsent;
  if (now === undefined || now === false) return gone;
  if (typeof old !== "number" || typeof now !== "number") {
    return `\`${keyword}\` changed: what passes now cannot be told`;
  }
  return isWider(old, now) ? `\`${keyword}\` was ${how} from ${old} to ${now}` : undefined;
}

export const multipleOf: KeywordRule = ({ before, after }) => {
  if (before === undefined) return undefined;
  if (after === undefined) return "`multipleOf` is gone";
  const isNarrower =
    typeof before === "number" && typeof after === "number" && Number.isInteger(after / before);
  return isNarrower ? undefined : "`multipleOf` takes other numbers";
};

export const uniqueItems: KeywordRule = ({ before, after }) =>
  before === true && after !== true ? "equal elements are accepted" : undefined;
