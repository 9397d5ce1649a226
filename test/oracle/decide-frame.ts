// The oracle's reading of an input frame: every field by its offset, digests as hex.
import * as abi from "../../src/abi/frame.ts";

export interface FrameLease {
  readonly principal: string;
  readonly arguments: string;
  readonly server: number;
  readonly item: number;
  readonly expires: bigint;
  readonly remaining: number;
  readonly isStateChanging: boolean;
  readonly bindsArguments: boolean;
  readonly isUnlimited: boolean;
}

export interface FrameConsent {
  readonly principal: string;
  readonly session: string;
  readonly item: string;
  readonly arguments: string;
  readonly image: string;
  readonly expires: bigint;
  readonly asking: bigint;
  readonly taint: bigint;
  readonly isAnyArguments: boolean;
  readonly wasLeased: boolean;
  readonly server: number;
}

export interface Frame {
  /** Right magic, version and size; nothing in unused places. */
  readonly isSound: boolean;
  readonly catalog: number;
  readonly message: number;
  readonly feature: number;
  readonly identity: number;
  readonly serverState: number;
  readonly itemState: number;
  readonly vetting: number;
  readonly arguments: number;
  readonly schema: number;
  readonly custom: number;
  readonly audit: number;
  readonly server: number;
  readonly item: number;
  readonly principalRow: number;
  readonly now: bigint;
  readonly taint: bigint;
  /** `undefined`: not given. */
  readonly scope: bigint | undefined;
  readonly cap: bigint | undefined;
  readonly image: string;
  readonly live: string;
  readonly principal: string;
  readonly session: string;
  readonly argumentsDigest: string;
  readonly hasLease: boolean;
  readonly hasConsent: boolean;
  readonly isSticky: boolean;
  readonly isLeaseNamed: boolean;
  readonly isRefused: boolean;
  readonly lease: FrameLease;
  readonly consent: FrameConsent;
}

/** Reads `bytes`, of which there are 576. */
export function readFrame(bytes: Uint8Array): Frame {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const u32 = (at: number): number => view.getUint32(at, true);
  const i32 = (at: number): number => view.getInt32(at, true);
  const u64 = (at: number): bigint => view.getBigUint64(at, true);
  const u128 = (at: number): bigint => u64(at) + (u64(at + 8) << 64n);
  const digest = (at: number): string => Buffer.from(bytes.subarray(at, at + 32)).toString("hex");
  const isEmpty = (start: number, end: number): boolean =>
    bytes.subarray(start, end).every((byte) => byte === 0);
  const flags = new Set([1, 2, 4, 8, 16, 32, 64].filter((flag) => (u32(12) & flag) !== 0));
  const leaseFlags = u32(abi.INPUT_OFFSET_LEASE_FLAGS);
  const consentFlags = u32(abi.INPUT_OFFSET_CONSENT_FLAGS);
  const hasScope = flags.has(abi.INPUT_FLAG_SCOPE);
  const hasCap = flags.has(abi.INPUT_FLAG_CAP);
  const hasLease = flags.has(abi.INPUT_FLAG_LEASE);
  const hasConsent = flags.has(abi.INPUT_FLAG_CONSENT);
  const isSound =
    Buffer.from(bytes.subarray(0, 4)).toString("latin1") === "PCIF" &&
    u32(4) === 1 &&
    u32(8) === 576 &&
    u32(12) < 128 &&
    bytes[27] === 0 &&
    isEmpty(52, 64) &&
    (hasScope || isEmpty(64, 80)) &&
    (hasCap || isEmpty(80, 96)) &&
    (hasLease || isEmpty(256, 384)) &&
    (hasConsent || isEmpty(384, 576)) &&
    isEmpty(376, 384) &&
    isEmpty(568, 576) &&
    leaseFlags < 8 &&
    consentFlags < 4;
  return {
    isSound,
    catalog: view.getUint8(abi.INPUT_OFFSET_CATALOG),
    message: view.getUint8(abi.INPUT_OFFSET_MESSAGE),
    feature: view.getUint8(abi.INPUT_OFFSET_FEATURE),
    identity: view.getUint8(abi.INPUT_OFFSET_IDENTITY),
    serverState: view.getUint8(abi.INPUT_OFFSET_SERVER_STATE),
    itemState: view.getUint8(abi.INPUT_OFFSET_ITEM_STATE),
    vetting: view.getUint8(abi.INPUT_OFFSET_VETTING),
    arguments: view.getUint8(abi.INPUT_OFFSET_ARGUMENTS),
    schema: view.getUint8(abi.INPUT_OFFSET_SCHEMA),
    custom: view.getUint8(abi.INPUT_OFFSET_CUSTOM),
    audit: view.getUint8(abi.INPUT_OFFSET_AUDIT),
    server: i32(abi.INPUT_OFFSET_SERVER),
    item: i32(abi.INPUT_OFFSET_ITEM),
    principalRow: u32(abi.INPUT_OFFSET_PRINCIPAL_ROW),
    now: u64(abi.INPUT_OFFSET_NOW),
    taint: BigInt(u32(abi.INPUT_OFFSET_TAINT)),
    scope: hasScope ? u128(abi.INPUT_OFFSET_SCOPE) : undefined,
    cap: hasCap ? u128(abi.INPUT_OFFSET_CAP) : undefined,
    image: digest(abi.INPUT_OFFSET_IMAGE),
    live: digest(abi.INPUT_OFFSET_LIVE),
    principal: digest(abi.INPUT_OFFSET_PRINCIPAL),
    session: digest(abi.INPUT_OFFSET_SESSION),
    argumentsDigest: digest(abi.INPUT_OFFSET_ARGUMENTS_DIGEST),
    hasLease,
    hasConsent,
    isSticky: flags.has(abi.INPUT_FLAG_STICKY_DRIFT),
    isLeaseNamed: flags.has(abi.INPUT_FLAG_LEASE_NAMED),
    isRefused: flags.has(abi.INPUT_FLAG_CONSENT_REFUSED),
    lease: {
      principal: digest(abi.INPUT_OFFSET_LEASE_PRINCIPAL),
      arguments: digest(abi.INPUT_OFFSET_LEASE_ARGUMENTS),
      server: i32(abi.INPUT_OFFSET_LEASE_SERVER),
      item: i32(abi.INPUT_OFFSET_LEASE_ITEM),
      expires: u64(abi.INPUT_OFFSET_LEASE_EXPIRES),
      remaining: u32(abi.INPUT_OFFSET_LEASE_REMAINING),
      isStateChanging: (leaseFlags & abi.LEASE_FLAG_STATE_CHANGING) !== 0,
      bindsArguments: (leaseFlags & abi.LEASE_FLAG_ARGUMENTS) !== 0,
      isUnlimited: (leaseFlags & abi.LEASE_FLAG_UNLIMITED) !== 0,
    },
    consent: {
      principal: digest(abi.INPUT_OFFSET_CONSENT_PRINCIPAL),
      session: digest(abi.INPUT_OFFSET_CONSENT_SESSION),
      item: digest(abi.INPUT_OFFSET_CONSENT_ITEM),
      arguments: digest(abi.INPUT_OFFSET_CONSENT_ARGUMENTS),
      image: digest(abi.INPUT_OFFSET_CONSENT_IMAGE),
      expires: u64(abi.INPUT_OFFSET_CONSENT_EXPIRES),
      asking: BigInt(u32(abi.INPUT_OFFSET_CONSENT_ASKING)),
      taint: BigInt(u32(abi.INPUT_OFFSET_CONSENT_TAINT)),
      isAnyArguments: (consentFlags & abi.CONSENT_FLAG_ANY_ARGUMENTS) !== 0,
      wasLeased: (consentFlags & abi.CONSENT_FLAG_LEASE) !== 0,
      server: i32(abi.INPUT_OFFSET_CONSENT_SERVER),
    },
  };
}
