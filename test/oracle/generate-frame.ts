// Seeded random input frames: most of them all but fine, so that every layer gets to decide.
import * as abi from "../../src/abi/frame.ts";
import { BUILT_IN_SCOPES, scopeBits, scopeMask } from "./check.ts";
import { imageOrder } from "./decide-order.ts";
import {
  ARGUMENTS,
  addConsent,
  addLease,
  FINE,
  type FrameBuilder,
  type FrameContext,
  fineFrame,
  NOW,
  PEOPLE,
  SESSIONS,
} from "./fine-frame.ts";
import { EXPIRES_MS, PRINCIPALS, someOf } from "./generate-policy.ts";
import type { Names, Random } from "./random.ts";

type Change = (frame: FrameBuilder, random: Random, context: FrameContext) => void;

const TIMES: readonly [bigint, ...bigint[]] = [
  0n,
  1n,
  NOW,
  NOW - 1n,
  NOW + 1n,
  2n ** 32n,
  2n ** 63n,
];

function changeTime(at: number, others: readonly bigint[] = []): Change {
  return (frame, random) => frame.u64(at, random.pick([...TIMES, ...others]));
}

function changeMask(at: number): Change {
  return (frame, random) => frame.u32(at, random.below(2 ** 32));
}

function changeDigest(at: number, others: Names): Change {
  return (frame, random) => {
    const bit = random.below(256);
    if (random.chance(50)) frame.hex(at, random.pick(others));
    else frame.u8(at + (bit >> 3), frame.view.getUint8(at + (bit >> 3)) ^ (1 << (bit & 7)));
  };
}

function changeIndex(at: number): Change {
  return (frame, random, { catalog }) => {
    const { items } = imageOrder(catalog);
    frame.u32(at, random.pick([-1, 0, 1, 2, 3, items.length - 1, items.length, -2, 2 ** 31]));
  };
}

/** Server and item of another call, or of none. */
const changeTarget: Change = (frame, random, { catalog }) => {
  const { items, servers } = imageOrder(catalog);
  const item = random.below(items.length + 1) - 1;
  const other = random.below(servers.length + 1) - 1;
  frame.u32(abi.INPUT_OFFSET_ITEM, item);
  frame.u32(abi.INPUT_OFFSET_SERVER, items[item]?.server ?? other);
};

const changeScope =
  (at: number, flag: number): Change =>
  (frame, random, { catalog }) => {
    const all = [...BUILT_IN_SCOPES, ...catalog.operatorScopes];
    const bits = scopeBits(catalog.operatorScopes);
    const stray = random.chance(10) ? 1n << BigInt(random.below(128)) : 0n;
    frame.flag(flag);
    frame.u128(at, scopeMask(bits, someOf(random, all, random.pick([10, 90, 97]))) | stray);
  };

/** The item's own pins, and digests that are none. */
const changeLive: Change = (frame, random, { catalog }) => {
  const item = imageOrder(catalog).items[frame.view.getInt32(abi.INPUT_OFFSET_ITEM, true)];
  const pins = (item?.item.fingerprints ?? []).map((pin) => pin.slice("sha256:".length));
  frame.hex(abi.INPUT_OFFSET_LIVE, random.pick(["00".repeat(32), "99".repeat(32), ...pins]));
};

const ATTESTED_CHANGES = [...FINE.keys()].map(
  (at): Change =>
    (frame, random) =>
      frame.u8(at, random.pick([0, 1, 2, 3, 4, 5, 128, 255])),
);
const CHANGES: readonly [Change, ...Change[]] = [
  changeTarget,
  ...ATTESTED_CHANGES,
  changeTarget,
  changeIndex(abi.INPUT_OFFSET_SERVER),
  changeIndex(abi.INPUT_OFFSET_ITEM),
  changeLive,
  changeLive,
  changeTime(abi.INPUT_OFFSET_NOW, [BigInt(EXPIRES_MS), BigInt(EXPIRES_MS - 1)]),
  changeScope(abi.INPUT_OFFSET_SCOPE, abi.INPUT_FLAG_SCOPE),
  changeScope(abi.INPUT_OFFSET_CAP, abi.INPUT_FLAG_CAP),
  (frame, random) => frame.flag(1 << random.below(9)),
  (frame, random) => frame.u8(random.below(576), random.below(256)),
  (frame, random) => frame.u8(random.below(64), random.below(256)),
  changeMask(abi.INPUT_OFFSET_PRINCIPAL_ROW),
];
const LEASE_CHANGES: readonly [Change, ...Change[]] = [
  changeDigest(abi.INPUT_OFFSET_LEASE_PRINCIPAL, PEOPLE),
  changeDigest(abi.INPUT_OFFSET_LEASE_ARGUMENTS, ARGUMENTS),
  changeIndex(abi.INPUT_OFFSET_LEASE_SERVER),
  changeIndex(abi.INPUT_OFFSET_LEASE_ITEM),
  changeTime(abi.INPUT_OFFSET_LEASE_EXPIRES),
  (frame, random) => frame.u32(abi.INPUT_OFFSET_LEASE_REMAINING, random.pick([0, 1, 2 ** 32 - 1])),
  (frame, random) => frame.u32(abi.INPUT_OFFSET_LEASE_FLAGS, random.below(9)),
];
const CONSENT_CHANGES: readonly [Change, ...Change[]] = [
  changeDigest(abi.INPUT_OFFSET_CONSENT_PRINCIPAL, PEOPLE),
  changeDigest(abi.INPUT_OFFSET_CONSENT_SESSION, SESSIONS),
  changeDigest(abi.INPUT_OFFSET_CONSENT_ITEM, ARGUMENTS),
  changeDigest(abi.INPUT_OFFSET_CONSENT_ARGUMENTS, ARGUMENTS),
  changeDigest(abi.INPUT_OFFSET_CONSENT_IMAGE, ARGUMENTS),
  changeTime(abi.INPUT_OFFSET_CONSENT_EXPIRES),
  changeMask(abi.INPUT_OFFSET_CONSENT_ASKING),
  changeMask(abi.INPUT_OFFSET_CONSENT_TAINT),
  (frame, random) => frame.u32(abi.INPUT_OFFSET_CONSENT_FLAGS, random.below(5)),
  changeIndex(abi.INPUT_OFFSET_CONSENT_SERVER),
];

function apply(
  changes: readonly [Change, ...Change[]],
  frame: FrameBuilder,
  random: Random,
  context: FrameContext,
): void {
  for (let count = random.pick([0, 0, 0, 1, 1, 2]); count > 0; count--) {
    random.pick(changes)(frame, random, context);
  }
}

/** A frame of some call, and who calls. */
export function randomFrame(
  random: Random,
  context: FrameContext,
): { readonly principal: string; readonly frame: FrameBuilder } {
  const { items } = imageOrder(context.catalog);
  const principal = random.pick(PRINCIPALS);
  const frame = fineFrame(context, { item: random.below(items.length + 1), principal });
  if (random.chance(40)) frame.u32(abi.INPUT_OFFSET_TAINT, random.below(32));
  if (random.chance(15)) frame.u8(abi.INPUT_OFFSET_VETTING, random.below(4));
  if (random.chance(50)) {
    addLease(frame, random.pick([0, 1, 1, 1, 2, 1000]), random.pick([1, 1, 3, 5, 7, 0]));
    apply(LEASE_CHANGES, frame, random, context);
  }
  if (random.chance(5)) frame.flag(abi.INPUT_FLAG_LEASE_NAMED);
  if (random.chance(50)) {
    addConsent(frame, random.chance(70) ? 0xffff_ffff : random.below(2 ** 32), random.below(4));
    if (random.chance(50)) {
      frame.u32(abi.INPUT_OFFSET_CONSENT_TAINT, frame.view.getUint32(abi.INPUT_OFFSET_TAINT, true));
    }
    apply(CONSENT_CHANGES, frame, random, context);
  }
  if (random.chance(3)) frame.flag(abi.INPUT_FLAG_CONSENT_REFUSED);
  apply(CHANGES, frame, random, context);
  const row = frame.view.getUint32(abi.INPUT_OFFSET_PRINCIPAL_ROW, true);
  // WHY: another row in range is another principal, and the oracle goes by the name
  const isStray = row !== context.rowOf(principal) && row <= 64;
  if (isStray) frame.u32(abi.INPUT_OFFSET_PRINCIPAL_ROW, context.rowOf(principal));
  return { principal, frame };
}
