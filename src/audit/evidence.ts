// What the records of a log name by digest and a replay needs: the signed catalog, the chain of
// trust roots, the kernel, the pattern file (60-audit section 1, `audit/objects`).
import { toHex } from "../bytes.ts";
import type { SignedCatalog } from "../catalog/verify-checks.ts";
import { GuardError } from "../errors.ts";
import { sha256 } from "../kernel/digest.ts";
import { KERNEL_SHA256, kernelBytes } from "../kernel/module.ts";
import { parseEnvelope } from "../sign/dsse.ts";
import type { RecordSubject } from "./record-writer.ts";

/** The files that a catalog was opened from. */
export interface CatalogEvidence {
  readonly signed: SignedCatalog;
  /** Root envelopes, oldest first. */
  readonly roots: readonly Uint8Array[];
  /** As `TrustedCatalog` has it; without it the envelope is read for it once more. */
  readonly catalogSha256?: string | undefined;
  /** The pattern file of vetting. */
  readonly patterns?: Uint8Array | undefined;
}

/** Evidence, ready to be kept. */
export interface AuditEvidence {
  readonly subject: RecordSubject;
  /** File name -> bytes. */
  readonly objects: ReadonlyMap<string, Uint8Array>;
}

/** Name of a kernel among the objects. */
export function kernelObject(digest: string): string {
  return `${digest}.wasm`;
}

/** Name of a signed payload among the objects: a catalog's or a root's envelope. */
export function envelopeObject(digest: string): string {
  return `${digest}.dsse.json`;
}

/** Name of a catalog that is signed with OpenSSH. */
export function tomlObject(digest: string): string {
  return `${digest}.toml`;
}

/**
 * Names everything by the SHA-256 of what it holds; envelopes by that of their payload.
 *
 * @throws {GuardError} CATALOG_ENVELOPE or ROOT_SYNTAX for what is no envelope; ROOT_CHAIN when
 *   there is no root
 */
export function auditEvidence(files: CatalogEvidence): AuditEvidence {
  const objects = new Map<string, Uint8Array>();
  const roots = files.roots.map((bytes) => {
    const digest = toHex(sha256(parseEnvelope(bytes, { code: "ROOT_SYNTAX" }).payload));
    objects.set(envelopeObject(digest), bytes);
    return digest;
  });
  const rootSha256 = roots.at(-1);
  if (rootSha256 === undefined) {
    throw new GuardError("ROOT_CHAIN", "expected at least one trust root, got none");
  }
  // WHY: a worker has the kernel as a module only; who replays there has the same one
  const kernel = kernelBytes();
  if (kernel !== undefined) objects.set(kernelObject(KERNEL_SHA256), kernel);
  if (files.patterns !== undefined) {
    objects.set(`${toHex(sha256(files.patterns))}.patterns`, files.patterns);
  }
  const catalogSha256 = addCatalog(objects, files.signed, files.catalogSha256);
  return { subject: { catalogSha256, rootSha256, kernelSha256: KERNEL_SHA256 }, objects };
}

/** Adds a signed catalog; returns the digest of its payload. */
function addCatalog(
  objects: Map<string, Uint8Array>,
  signed: SignedCatalog,
  known: string | undefined,
): string {
  if ("envelope" in signed) {
    const digest = known ?? toHex(sha256(parseEnvelope(signed.envelope).payload));
    objects.set(envelopeObject(digest), signed.envelope);
    return digest;
  }
  const digest = known ?? toHex(sha256(signed.toml));
  objects.set(tomlObject(digest), signed.toml);
  for (const bytes of signed.signatures) {
    objects.set(`${tomlObject(digest)}.${toHex(sha256(bytes)).slice(0, 16)}.sig`, bytes);
  }
  return digest;
}
