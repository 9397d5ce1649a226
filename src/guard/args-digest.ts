// The digest of a call's arguments (40-gateway section 5): the same for leases, consents and
// retries.
import { concatBytes, toHex } from "../bytes.ts";
import { GuardError } from "../errors.ts";
import { sha256 } from "../kernel/digest.ts";
import { tagBytes } from "../kernel/framed.ts";
import { canonicalBytes } from "../kernel/strict-json.ts";

/** `sha256:` and 64 lower-case hex digits. */
export type Sha256Text = `sha256:${string}`;

/** Raw JSON text or bytes, or a value that goes through `JSON.stringify`; `undefined` = none. */
export type ArgumentsSource = string | Uint8Array | object | undefined;

const TAG = "portcullis:args:v1";
const OPENING_BRACE = 0x7b;

/**
 * SHA-256( TAG("portcullis:args:v1") || JCS(arguments) ). Absent arguments count as `{}`.
 *
 * @example argumentsDigest({ path: "/workspace/a.txt" }) // "sha256:..."
 * @throws {GuardError} JSON_INVALID when the strict reader refuses them, or they are no JSON object
 */
export function argumentsDigest(args: ArgumentsSource): Sha256Text {
  // WHY: callers in plain JavaScript; a number or null is no source of bytes
  if (args === null || !["string", "object", "undefined"].includes(typeof args)) {
    throw new GuardError("JSON_INVALID", "expected arguments as a JSON object");
  }
  const canonical = canonicalBytes(args ?? "{}");
  if (canonical[0] !== OPENING_BRACE) {
    throw new GuardError("JSON_INVALID", "expected arguments as a JSON object");
  }
  return `sha256:${toHex(sha256(concatBytes(tagBytes(TAG), canonical)))}`;
}

/** As `argumentsDigest`; `undefined` where that throws. */
export function tryArgumentsDigest(args: unknown): Sha256Text | undefined {
  if (args !== undefined && typeof args !== "string" && typeof args !== "object") return undefined;
  if (args === null) return undefined;
  try {
    return argumentsDigest(args);
  } catch {
    // whatever a getter threw: arguments without a digest are refused by the caller
    return undefined;
  }
}
