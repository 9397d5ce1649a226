// Patterns that say little alone and much together, wherever in a definition they stand.
import type { VettingPattern } from "./types.ts";

export interface Combination extends VettingPattern {
  /** One pattern of each list is found, all of them different. */
  readonly parts: readonly (readonly string[])[];
}

const PRETEXT: readonly string[] = ["P027", "P029"];
const REACH: readonly string[] = ["P041", "P042", "P044", "P048", "P061", "P015", "P026", "P019"];

export const COMBINATIONS: readonly Combination[] = [
  {
    id: "P090",
    category: "exfiltration",
    severity: "high",
    title: "a parameter that may carry context, and a reason to fill it",
    parts: [["P052"], ["P015", "P019", "P027", "P029", "P048"]],
  },
  {
    id: "P091",
    category: "tool_poisoning",
    severity: "high",
    title: "a pretext or a claim of authority, and a reach beyond the tool's own work",
    parts: [PRETEXT, REACH],
  },
  {
    id: "P092",
    category: "tool_poisoning",
    severity: "high",
    title: "a threat or a hidden second step, and an order about other tools or files",
    parts: [
      ["P026", "P048", "P015", "P080"],
      ["P061", "P024", "P041", "P042", "P019", "P044", "P073", "P077", "P079"],
    ],
  },
  {
    id: "P094",
    category: "credential_access",
    severity: "high",
    title: "orders to the model, and secrets or files of keys",
    parts: [["P019"], ["P041", "P042", "P044"]],
  },
];

/** Combinations whose every part is among `found`. */
export function combinationsOf(found: ReadonlySet<string>): readonly Combination[] {
  return COMBINATIONS.filter(({ parts }) =>
    parts.every((part) => part.some((id) => found.has(id))),
  );
}
