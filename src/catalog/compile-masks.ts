// Names of effects, scopes and taint labels as the numbers and masks of an image.
import * as layout from "../abi/layout.ts";
import { GuardError } from "../errors.ts";
import { scopeMask } from "./scope-names.ts";
import type { Catalog, Effect } from "./types.ts";

export const EFFECT_CODES: Readonly<Record<Effect, number>> = {
  read: layout.EFFECT_READ,
  write: layout.EFFECT_WRITE,
  destructive: layout.EFFECT_DESTRUCTIVE,
  external: layout.EFFECT_EXTERNAL,
};

/** The labels as a mask: bit n is the label of bit n. @throws {GuardError} IMAGE_INVALID */
export function taintMask(catalog: Pick<Catalog, "taintBits">, labels: readonly string[]): number {
  let mask = 0;
  for (const label of labels) {
    const bit = catalog.taintBits.get(label);
    if (bit === undefined) throw new GuardError("IMAGE_INVALID", "expected a defined taint label");
    mask |= 1 << bit;
  }
  return mask;
}

/** Writes a scope set at `at`: 16 bytes. @throws {GuardError} SCOPE_UNKNOWN */
export function setScope(
  view: DataView,
  at: number,
  catalog: Pick<Catalog, "scopeBits">,
  names: readonly string[],
): void {
  for (const [word, bits] of scopeMask(catalog, names).entries()) {
    view.setInt32(at + word * 4, bits, true);
  }
}
