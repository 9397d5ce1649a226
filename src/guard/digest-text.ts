// Digests as text, in the two forms that records use.
import { fromHex, isFingerprint } from "../bytes.ts";

const HEX = /^[0-9a-f]{64}$/;
const NO_BYTES: Uint8Array = new Uint8Array(0);

/** True for 64 lower-case hex digits. */
export function isHexDigest(value: unknown): value is string {
  return typeof value === "string" && HEX.test(value);
}

/** True for `sha256:` and 64 lower-case hex digits. */
export function isDigestText(value: unknown): value is string {
  return typeof value === "string" && isFingerprint(value);
}

/** The 32 bytes of `sha256:<hex>`; no bytes for `null`. */
export function argsDigestBytes(digest: string | null): Uint8Array {
  return digest === null ? NO_BYTES : (fromHex(digest.slice(7)) ?? NO_BYTES);
}
