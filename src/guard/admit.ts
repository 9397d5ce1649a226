// Puts a Validator's report into the kernel's admission table.
import { LIMIT_URI_BYTES } from "../abi/limits.ts";
import { VERDICT_TOOL_SMUGGLE } from "../abi/verdict.ts";
import { fromHex } from "../bytes.ts";
import { KIND_CODES } from "../manifest/listing.ts";
import type { GuardKernel } from "./guard-kernel.ts";
import { type LiveDefinition, liveDefinition } from "./live-items.ts";
import { type AdmissionReport, liveItemsOf } from "./validator.ts";

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
  const idSize = report.serverId.length;
  const live = liveItemsOf(report);
  const seen = new Map<number, LiveDefinition>();
  let isSmuggled = false;
  for (const [index, { kind, name, fingerprint }] of report.items.entries()) {
    const digest = fingerprint === undefined ? undefined : fromHex(fingerprint.slice(7));
    kernel.bytes.set(digest ?? NO_DIGEST, kernel.digestAt);
    const size = guard.writeName(name, LIMIT_URI_BYTES);
    const verdict = kernel.exports.admitItem(server, KIND_CODES[kind], size);
    if (verdict === VERDICT_TOOL_SMUGGLE) isSmuggled = true;
    const item = kernel.exports.resolve(idSize, KIND_CODES[kind], size);
    const read = live[index];
    const definition = read === undefined ? undefined : liveDefinition(read);
    if (item >= 0 && definition !== undefined) seen.set(item, definition);
  }
  guard.live.replace(server, seen);
  if (report.instructions === "fingerprint_drift") kernel.exports.markInstructionsDrifted(server);
  return kernel.exports.finishAdmission(server, isSmuggled ? 1 : 0);
}
