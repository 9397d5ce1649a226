// Input frames that nothing is wrong with, field by field, with the lease and the approval of the call.
import * as abi from "../../src/abi/frame.ts";
import type { PolicyCatalog } from "./decide-catalog.ts";
import { imageOrder } from "./decide-order.ts";
import { EXPIRES_MS } from "./generate-policy.ts";
import type { Names } from "./random.ts";

/** What a frame is made from beside the call. */
export interface FrameContext {
  readonly catalog: PolicyCatalog;
  /** The image's SHA-256, hex. */
  readonly image: string;
  readonly rowOf: (principal: string) => number;
}

/** Fields of a frame under construction. */
export class FrameBuilder {
  readonly bytes: Uint8Array<ArrayBuffer> = new Uint8Array(abi.INPUT_SIZE);
  readonly view: DataView = new DataView(this.bytes.buffer);

  u8(at: number, value: number): void {
    this.view.setUint8(at, value);
  }
  u32(at: number, value: number): void {
    this.view.setUint32(at, value, true);
  }
  u64(at: number, value: bigint): void {
    this.view.setBigUint64(at, value, true);
  }
  u128(at: number, value: bigint): void {
    this.u64(at, value & 0xffff_ffff_ffff_ffffn);
    this.u64(at + 8, value >> 64n);
  }
  hex(at: number, digest: string): void {
    this.bytes.set(Buffer.from(digest, "hex"), at);
  }
  flag(flag: number): void {
    this.u32(abi.INPUT_OFFSET_FLAGS, this.view.getUint32(abi.INPUT_OFFSET_FLAGS, true) | flag);
  }
}

export const PEOPLE: Names = ["11".repeat(32), "22".repeat(32)];
export const SESSIONS: Names = ["33".repeat(32), "44".repeat(32)];
export const ARGUMENTS: Names = ["55".repeat(32), "66".repeat(32)];
export const NOW = BigInt(EXPIRES_MS - 1_000_000);

/** Attested bytes that let a call pass: offset -> the number for "fine". */
export const FINE: ReadonlyMap<number, number> = new Map([
  [abi.INPUT_OFFSET_CATALOG, 1],
  [abi.INPUT_OFFSET_MESSAGE, 1],
  [abi.INPUT_OFFSET_FEATURE, 1],
  [abi.INPUT_OFFSET_IDENTITY, 1],
  [abi.INPUT_OFFSET_SERVER_STATE, 1],
  [abi.INPUT_OFFSET_ITEM_STATE, 1],
  [abi.INPUT_OFFSET_VETTING, 0],
  [abi.INPUT_OFFSET_ARGUMENTS, 1],
  [abi.INPUT_OFFSET_SCHEMA, 1],
  [abi.INPUT_OFFSET_CUSTOM, 1],
  [abi.INPUT_OFFSET_AUDIT, 1],
]);

/** A frame that nothing is wrong with but what the catalog says of the call itself. */
export function fineFrame(
  { catalog, image, rowOf }: FrameContext,
  call: { readonly item: number; readonly principal: string },
): FrameBuilder {
  const frame = new FrameBuilder();
  const found = imageOrder(catalog).items[call.item];
  frame.u32(abi.INPUT_OFFSET_MAGIC, abi.INPUT_MAGIC);
  frame.u32(abi.INPUT_OFFSET_VERSION, 1);
  frame.u32(abi.INPUT_OFFSET_SIZE, 576);
  for (const [at, value] of FINE) frame.u8(at, value);
  frame.u32(abi.INPUT_OFFSET_SERVER, found?.server ?? -1);
  frame.u32(abi.INPUT_OFFSET_ITEM, found === undefined ? -1 : call.item);
  frame.u32(abi.INPUT_OFFSET_PRINCIPAL_ROW, rowOf(call.principal));
  frame.u64(abi.INPUT_OFFSET_NOW, NOW);
  frame.hex(abi.INPUT_OFFSET_IMAGE, image);
  frame.hex(abi.INPUT_OFFSET_LIVE, (found?.item.fingerprints[0] ?? "").slice("sha256:".length));
  frame.hex(abi.INPUT_OFFSET_PRINCIPAL, PEOPLE[0]);
  frame.hex(abi.INPUT_OFFSET_SESSION, SESSIONS[0]);
  frame.hex(abi.INPUT_OFFSET_ARGUMENTS_DIGEST, ARGUMENTS[0]);
  return frame;
}

/** Puts a lease that covers the call into the frame. */
export function addLease(frame: FrameBuilder, remaining = 3, flags = 1): void {
  const copy = (from: number, to: number): void => {
    frame.u32(to, frame.view.getUint32(from, true));
  };
  frame.flag(abi.INPUT_FLAG_LEASE);
  frame.hex(abi.INPUT_OFFSET_LEASE_ID, "77".repeat(32));
  frame.hex(abi.INPUT_OFFSET_LEASE_PRINCIPAL, PEOPLE[0]);
  frame.hex(abi.INPUT_OFFSET_LEASE_ARGUMENTS, ARGUMENTS[0]);
  copy(abi.INPUT_OFFSET_SERVER, abi.INPUT_OFFSET_LEASE_SERVER);
  copy(abi.INPUT_OFFSET_ITEM, abi.INPUT_OFFSET_LEASE_ITEM);
  frame.u64(abi.INPUT_OFFSET_LEASE_EXPIRES, NOW + 1n);
  frame.u32(abi.INPUT_OFFSET_LEASE_REMAINING, remaining);
  frame.u32(abi.INPUT_OFFSET_LEASE_FLAGS, flags);
}

/** Puts a consent record for the call into the frame, given for whatever asked and any taint. */
export function addConsent(frame: FrameBuilder, asking = 0xffff_ffff, flags = 0): void {
  const copy = (from: number, to: number): void => {
    frame.bytes.copyWithin(to, from, from + 32);
  };
  frame.flag(abi.INPUT_FLAG_CONSENT);
  copy(abi.INPUT_OFFSET_PRINCIPAL, abi.INPUT_OFFSET_CONSENT_PRINCIPAL);
  copy(abi.INPUT_OFFSET_SESSION, abi.INPUT_OFFSET_CONSENT_SESSION);
  copy(abi.INPUT_OFFSET_LIVE, abi.INPUT_OFFSET_CONSENT_ITEM);
  copy(abi.INPUT_OFFSET_ARGUMENTS_DIGEST, abi.INPUT_OFFSET_CONSENT_ARGUMENTS);
  copy(abi.INPUT_OFFSET_IMAGE, abi.INPUT_OFFSET_CONSENT_IMAGE);
  frame.u64(abi.INPUT_OFFSET_CONSENT_EXPIRES, NOW + 1n);
  frame.u32(abi.INPUT_OFFSET_CONSENT_ASKING, asking);
  frame.u32(abi.INPUT_OFFSET_CONSENT_TAINT, 0xffff_ffff);
  frame.u32(abi.INPUT_OFFSET_CONSENT_FLAGS, flags);
  frame.u32(abi.INPUT_OFFSET_CONSENT_SERVER, frame.view.getUint32(abi.INPUT_OFFSET_SERVER, true));
}
