// Records for the tests of the stores: small, valid, changed member by member.
import type { Consent, Lease, Question } from "../../src/store/records.ts";

/** 64 hex digits from a number. */
export function hash(number: number): string {
  return number.toString(16).padStart(64, "0");
}

export const NOW_MS: number = Date.UTC(2026, 10, 20);
export const ALICE: string = hash(0xa11ce);
export const SESSION: string = hash(0x5e55);
export const FINGERPRINT: string = `sha256:${hash(0xf1)}`;

export function lease(id: number, changes: Partial<Lease> = {}): Lease {
  return {
    id: hash(id),
    principalHash: ALICE,
    serverId: "files",
    grantedTools: ["write_file", "move_file"],
    createdAtMs: NOW_MS,
    expiresAtMs: NOW_MS + 300_000,
    maxInvocations: 3,
    remaining: 3,
    stateChanging: true,
    argsDigest: null,
    revoked: false,
    ...changes,
  };
}

export function consent(id: number, changes: Partial<Consent> = {}): Consent {
  return {
    id: hash(id),
    principalHash: ALICE,
    serverId: "files",
    kind: "tool",
    itemName: "write_file",
    itemFingerprint: FINGERPRINT,
    argsDigest: `sha256:${hash(0xa)}`,
    sessionHash: SESSION,
    imageDigest: hash(0x1a6e),
    asking: 0x8000_0001,
    taint: 0xffff_ffff,
    hadLease: false,
    createdAtMs: NOW_MS,
    expiresAtMs: NOW_MS + 60_000,
    textHash: hash(0x7e87),
    channel: "terminal",
    singleUse: true,
    ...changes,
  };
}

export function question(id: string, changes: Partial<Question> = {}): Question {
  return {
    id,
    principalHash: ALICE,
    serverId: "files",
    sessionHash: SESSION,
    kind: "tool",
    itemName: "write_file",
    text: "server files, tool write_file (write)\npath: /workspace/a.txt",
    channels: ["terminal", "web"],
    createdAtMs: NOW_MS,
    expiresAtMs: NOW_MS + 60_000,
    ...changes,
  };
}
