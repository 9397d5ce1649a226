// Canonical forms, fingerprints, vetting and signatures: what is decided from texts alone.
import {
  canonicalize,
  fingerprintManifest,
  fingerprintPrompt,
  fingerprintResource,
  fingerprintResourceTemplate,
  fingerprintTool,
  scanText,
  type VettingReport,
  vetTool,
} from "portcullis";
import {
  assertPublicKey,
  isEquationSatisfied,
  verifyEd25519,
  verifyEd25519Later,
  verifyNatively,
  verifyNativelyLater,
} from "./inner.ts";
import { answerOf, bytesOf, hexBytes, type Reporter } from "./report.ts";
import type { ItemCase, SignatureCase, Vectors } from "./vectors-type.ts";

const FINGERPRINTS: Readonly<Record<ItemCase["kind"], (source: Uint8Array) => string>> = {
  tool: fingerprintTool,
  prompt: fingerprintPrompt,
  resource: fingerprintResource,
  resource_template: fingerprintResourceTemplate,
};

/** `refused` with the fault where `want` says so, since vectors name no code. */
function refusable(want: string | undefined, run: () => string): string {
  const answer = answerOf(run);
  return want === "refused" && /^[A-Z]+_/.test(answer) ? `refused ${answer}` : answer;
}

function findings({ level, findings: found, omitted, patterns }: VettingReport): string {
  const list = found.map((one) => JSON.stringify(one)).join(" ");
  return `${level} ${omitted} ${patterns.version} ${patterns.sha256} ${list}`;
}

/** The order of the group (RFC 8032 section 5.1): the equation is asked for a smaller S alone. */
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;

function hasReducedScalar(signature: Uint8Array): boolean {
  if (signature.length !== 64) return false;
  let scalar = 0n;
  for (let index = 63; index >= 32; index--) scalar = scalar * 256n + BigInt(signature[index] ?? 0);
  return scalar < ORDER;
}

/**
 * Whether a signature is accepted, and what the equation and the host's own verifier say of it. They
 * must agree wherever `verifyEd25519` leaves the answer to them.
 */
async function accepted(test: SignatureCase): Promise<string> {
  const publicKey = hexBytes(test.publicKey);
  const message = hexBytes(test.message);
  const signature = hexBytes(test.signature);
  const key = answerOf(() => {
    assertPublicKey(publicKey);
    return "sound";
  });
  const answer = key === "sound" && verifyEd25519(publicKey, message, signature);
  const later = key === "sound" && (await verifyEd25519Later(publicKey, message, signature));
  if (later !== answer) return `split ${answer} later ${later}`;
  if (key !== "sound" || !hasReducedScalar(signature)) return `${answer} ${key}`;
  const pure = isEquationSatisfied(publicKey, message, signature);
  const native = verifyNatively(publicKey, message, signature) ?? pure;
  return native === pure ? `${answer} ${key} equation ${pure}` : `split ${pure} ${native}`;
}

/** Whether this host's own verifier took part, at once or later. */
export async function hasHostVerifier(signatures: readonly SignatureCase[]): Promise<boolean> {
  const [first] = signatures;
  if (first === undefined) return false;
  const { publicKey, message, signature } = first;
  const bytes = [hexBytes(publicKey), hexBytes(message), hexBytes(signature)] as const;
  return (verifyNatively(...bytes) ?? (await verifyNativelyLater(...bytes))) !== undefined;
}

export async function reportTexts(vectors: Vectors, report: Reporter): Promise<void> {
  for (const { id, source, want } of vectors.json) {
    const answer = refusable(want, () => canonicalize(bytesOf(source)));
    report.add("canonical", id, answer, want);
  }
  for (const { id, kind, source, want } of vectors.items) {
    const answer = refusable(want, () => FINGERPRINTS[kind](bytesOf(source)));
    report.add("item", id, answer, want);
  }
  for (const { id, source, want } of vectors.manifests) {
    const answer = refusable(want, () => fingerprintManifest(bytesOf(source)));
    report.add("manifest", id, answer, want);
  }
  for (const { id, source, want } of vectors.definitions) {
    const answer = answerOf(() => findings(vetTool(bytesOf(source))));
    report.add("definition", id, answer, want);
  }
  for (const { id, text, want } of vectors.texts) {
    report.add("text", id, findings(scanText(text)), want);
  }
  for (const test of vectors.signatures) {
    report.add("signature", test.id, await accepted(test), test.want);
  }
}
