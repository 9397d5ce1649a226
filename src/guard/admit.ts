// Puts a Validator's report into the kernel's admission table.
import { LIMIT_URI_BYTES } from "../abi/limits.ts";
import { VERDICT_TOOL_SMUGGLE } from "../abi/verdict.ts";
import { fromHex } from "../bytes.ts";
import { KIND_CODES } from "../manifest/listing.ts";
import type { GuardKernel } from "./guard-kernel.ts";
import type { AdmissionReport } from "./validator.ts";

/** A digest no definition has: what an unreadable one is compared as. */
const NO_DIGEST: Uint8Array = new Uint8Array(32);

/**
 * Replaces the admission of the report's server. The kernel compares the digests.
 *
 * @returns the server's admission state (SERVER_*)
 */
export function admitReport(guard: GuardKernel, report: AdmissionReport): number {
  const server = guard.bind(report.serverId);
  if (server < 0) return 0;
  const { kernel } = guard;
  kernel.exports.beginAdmission(server);
  let isSmuggled = false;
  for (const { kind, name, fingerprint } of report.items) {
    const digest = fingerprint === undefined ? undefined : fromHex(fingerprint.slice(7));
    kernel.bytes.set(digest ?? NO_DIGEST, kernel.digestAt);
    const size = guard.writeName(name, LIMIT_URI_BYTES);
    const verdict = kernel.exports.admitItem(server, KIND_CODES[kind], size);
    if (verdict === VERDICT_TOOL_SMUGGLE) isSmuggled = true;
  }
  if (report.instructions === "fingerprint_drift") kernel.exports.markInstructionsDrifted(server);
  return kernel.exports.finishAdmission(server, isSmuggled ? 1 : 0);
}
