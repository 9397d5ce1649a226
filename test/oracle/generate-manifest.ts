// Seeded random manifests: files as `portcullis fingerprint` reads them.

import { KINDS } from "./fingerprint.ts";
import {
  joinObject,
  memberText,
  mutateBytes,
  randomFault,
  randomObject,
  randomSpelling,
  randomValue,
} from "./generate.ts";
import { createRandom, type Random } from "./random.ts";

const NAMES: readonly [string, ...string[]] = [
  "a",
  "b",
  "c",
  "read_file",
  "write_file",
  "Read_file",
  "é",
  "\u{1f600}",
  "\ufb33",
  "",
  "__proto__",
  "a\u0000b",
  "n".repeat(127),
  "n".repeat(128),
  "n".repeat(129),
  "\u00e9".repeat(64),
  "\u00e9".repeat(65),
];

/** Text of one definition called `name`; well-formed, with a number outside the rule at times. */
export function randomDefinition(random: Random, nameMember: string, name: string): string {
  const members = [memberText(random, nameMember, randomSpelling(random, name))];
  if (random.chance(70)) members.push(memberText(random, "description", '"does a thing"'));
  if (random.chance(60)) {
    members.push(memberText(random, "inputSchema", randomObject(random, random.below(4))));
  }
  if (random.chance(30)) members.push(memberText(random, "_meta", randomObject(random, 1)));
  if (random.chance(15)) members.push(memberText(random, "title", randomValue(random, 0)));
  return joinObject(random, random.shuffle(members));
}

function randomItem(random: Random, nameMember: string, used: Set<string>): string {
  let name = random.pick(NAMES);
  // most manifests have no name twice
  while (used.has(name) && random.chance(95)) name = `t${random.below(1000)}`;
  used.add(name);
  if (random.chance(92)) return randomDefinition(random, nameMember, name);
  const named = memberText(random, nameMember, randomSpelling(random, name));
  switch (random.below(5)) {
    case 0:
      return randomFault(random);
    case 1:
      return joinObject(random, [memberText(random, nameMember, random.pick(["1", "null", "[]"]))]);
    case 2:
      return joinObject(random, [named, named]);
    case 3:
      return joinObject(random, random.shuffle([named, `"z":${randomFault(random)}`]));
    default:
      return joinObject(random, [memberText(random, nameMember.toUpperCase(), '"x"')]);
  }
}

/**
 * A manifest file: a tools/list result, an array of tools, or an object of several lists. About
 * half of them have a fingerprint.
 */
export function generateManifest(seed: number): Uint8Array {
  const random = createRandom(seed);
  const encoder = new TextEncoder();
  const list = (nameMember: string): string => {
    const used = new Set<string>();
    const items: string[] = [];
    for (let count = random.below(6); count > 0; count--) {
      items.push(randomItem(random, nameMember, used));
    }
    return `[${items.join(random.chance(50) ? "," : " ,\n ")}]`;
  };
  if (random.chance(15)) return encoder.encode(list("name"));
  const members: string[] = [];
  const isFull = random.chance(30);
  for (const row of KINDS) {
    if (row.kind === "tool" || (isFull && random.chance(70))) {
      members.push(memberText(random, row.list, list(row.nameMember)));
    }
  }
  if (random.chance(30)) members.push(memberText(random, "nextCursor", '"page2"'));
  if (random.chance(20)) members.push(memberText(random, "_meta", randomObject(random, 1)));
  if (isFull) members.push(memberText(random, "instructions", randomValue(random, -1)));
  if (random.chance(2)) members.push(memberText(random, "tools", "[]"));
  const bytes = encoder.encode(joinObject(random, random.shuffle(members)));
  return random.chance(5) ? mutateBytes(random, bytes) : bytes;
}
