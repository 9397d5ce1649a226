// Attacks as data: switches over `FIXTURE_SERVER`, an agent's call, and what must come of it.

import type { AttackFixture, AttackRow } from "./fixtures-attack-types.ts";
import { CATALOG_ATTACK_ROWS } from "./fixtures-attacks-catalog.ts";
import { TRANSPORT_ATTACK_ROWS } from "./fixtures-attacks-transport.ts";

const ROWS: Readonly<Record<string, AttackRow>> = {
  ...CATALOG_ATTACK_ROWS,
  ...TRANSPORT_ATTACK_ROWS,
};

/** Every attack; a key is the id of a case and a variant, `B3-title`. */
export const ATTACKS: ReadonlyMap<string, AttackFixture> = new Map(
  Object.entries(ROWS).map(([key, row]) => [key, { ...row, forbidden: row.forbidden ?? [] }]),
);
