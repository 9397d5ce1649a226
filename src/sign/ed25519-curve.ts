// The curve of Ed25519 (RFC 8032 section 5.1), made at first use: importing this computes nothing.
import type { EdwardsPointCons } from "@noble/curves/abstract/edwards.js";
import { edwards } from "@noble/curves/abstract/edwards.js";

/** The order L of the prime-order subgroup, 2^252 + 27742317777372353535851937790883648493. */
export const GROUP_ORDER = 0x1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3edn;

const FIELD_ORDER = 2n ** 255n - 19n;

let made: EdwardsPointCons | undefined;

/**
 * Points of edwards25519.
 *
 * WHY: the library's own object for the scheme comes with keys, signing and three more curves; a page
 * that verifies needs points alone, 2 KB of gzip less.
 */
export function edwardsPoints(): EdwardsPointCons {
  made ??= edwards({
    p: FIELD_ORDER,
    n: GROUP_ORDER,
    h: 8n,
    a: FIELD_ORDER - 1n,
    d: 0x52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3n,
    Gx: 0x216936d3cd6e53fec0a4e231fdd6dc5c692cc7609525a7b2c9562d608f25d51an,
    Gy: 0x6666666666666666666666666666666666666666666666666666666666666658n,
  });
  return made;
}
