// Leases and approvals as the input frame of `decide` has them.
import type { ConsentFields, LeaseFields } from "../kernel/decide.ts";
import { hashWords } from "./caller-facts.ts";
import type { ConsentRecord } from "./consent-record.ts";
import type { Prepared } from "./engine-prepared.ts";
import type { ImageItems } from "./image-items.ts";
import type { StoredLease } from "./lease.ts";
import { leaseState } from "./lease-valid.ts";

const PREFIX_SIZE = "sha256:".length;

/** The chosen lease as a frame has it. */
export function leaseFields(
  items: ImageItems,
  { call, target, nowMs }: Prepared,
  lease: StoredLease,
): LeaseFields {
  const state = leaseState(lease, nowMs);
  const isGranted =
    target?.item.kind === "tool" &&
    lease.serverId === call.serverId &&
    lease.grantedTools.includes(call.name);
  return {
    id: hashWords(lease.id),
    principal: hashWords(lease.principalHash),
    argumentsDigest:
      lease.argsDigest === null ? undefined : hashWords(lease.argsDigest.slice(PREFIX_SIZE)),
    server: items.serverIndexOf(lease.serverId),
    item: isGranted ? call.item : -1,
    // WHY: a frame holds the expiry alone; revoked, dated ahead of this clock, living longer than any
    // lease may, and malformed are expired, too
    expiresMs: state === "valid" || state === "exhausted" ? lease.expiresAtMs : 0,
    remaining: lease.remaining ?? undefined,
    isStateChanging: lease.stateChanging,
  };
}

/** An approval as a frame has it. */
export function consentFields(items: ImageItems, consent: ConsentRecord): ConsentFields {
  return {
    principal: hashWords(consent.principalHash),
    session: hashWords(consent.sessionHash),
    item: hashWords(consent.itemFingerprint.slice(PREFIX_SIZE)),
    argumentsDigest:
      consent.argsDigest === null ? undefined : hashWords(consent.argsDigest.slice(PREFIX_SIZE)),
    image: hashWords(consent.imageDigest),
    expiresMs: consent.expiresAtMs,
    asking: consent.asking,
    taint: consent.taint,
    wasLeased: consent.hadLease,
    server: items.serverIndexOf(consent.serverId),
  };
}
