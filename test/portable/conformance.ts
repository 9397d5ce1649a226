// The conformance module: what portcullis answers to the vectors, line by line, in any runtime that
// has ECMAScript and WebAssembly. Imports portcullis alone; reads no clock, no file, no network.
import { KERNEL_SHA256 } from "portcullis";
import { reportAudit } from "./audit.ts";
import { reportDecisions } from "./decisions.ts";
import { type Report, Reporter } from "./report.ts";
import { hasHostVerifier, reportTexts } from "./texts.ts";
import type { Vectors } from "./vectors-type.ts";

export interface ConformanceReport extends Report {
  /** Not among the lines: hosts differ in it, and must not differ in anything else. */
  readonly hostVerifier: boolean;
}

/** Answers every vector. The same vectors give the same lines in every host. */
export async function conformance(vectors: Vectors): Promise<ConformanceReport> {
  const report = new Reporter();
  report.add("kernel", "sha256", KERNEL_SHA256);
  await reportTexts(vectors, report);
  await reportDecisions(vectors, report);
  await reportAudit(vectors, report);
  const { lines, mismatches } = report;
  return { lines, mismatches, hostVerifier: await hasHostVerifier(vectors.signatures) };
}
