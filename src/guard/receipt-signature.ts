// Reads the signature of a receipt that came from elsewhere.
import { fromBase64 } from "../bytes.ts";
import { memberReader } from "./member-reader.ts";

/** Its key id and its bytes; `undefined` for anything else. Throws as a getter or `fromBase64` does. */
export function readReceiptSignature(
  value: unknown,
): { readonly keyid: string; readonly sig: Uint8Array } | undefined {
  const read = memberReader(value);
  const keyid = read?.("keyid");
  const sig = read?.("sig");
  if (read?.("alg") !== "ed25519" || typeof keyid !== "string" || typeof sig !== "string") {
    return undefined;
  }
  return { keyid, sig: fromBase64(sig) };
}
