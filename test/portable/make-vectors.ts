// Makes the vectors of the portable suite: the committed vector files, and catalogs, calls and frames
// that follow from fixed seeds. The same sources give the same vectors.
import { readFileSync } from "node:fs";
import { READ_FLAG_LENIENT, READ_FLAG_LINE_BREAKS } from "../../src/abi/layout.ts";
import { toHex } from "../../src/bytes.ts";
import { policyImage } from "../kernel/policy-image.ts";
import { decide, encodeDecision } from "../oracle/decide.ts";
import { randomFrame } from "../oracle/generate-frame.ts";
import { randomPolicyCatalog } from "../oracle/generate-policy.ts";
import { createRandom } from "../oracle/random.ts";
import { PATTERN_ROWS } from "../vetting/pattern-rows.ts";
import { HONEST, POISONED } from "../vetting/samples.ts";
import { auditVectors } from "./vectors-audit.ts";
import { catalogCases } from "./vectors-catalog.ts";
import { guardCase } from "./vectors-guard.ts";
import { ownSignatures, wycheproof } from "./vectors-signature.ts";
import type { FrameImage, ItemCase, JsonCase, MessageCase, Raw, Vectors } from "./vectors-type.ts";

const IMAGES = 20;
const FRAMES_PER_IMAGE = 30;

interface Row {
  readonly id?: string;
  readonly kind?: ItemCase["kind"];
  readonly text?: string;
  readonly hex?: string;
  readonly result: string;
  readonly canonical?: string;
  readonly fingerprint?: string;
  readonly manifest?: string;
  readonly http?: true;
  readonly lenient?: true;
}

/** Rows of a committed vector file; the files are checked against their schemas elsewhere. */
function rows(path: string, member: string): readonly Row[] {
  const content: Readonly<Record<string, readonly Row[]>> = JSON.parse(readFileSync(path, "utf8"));
  return content[member] ?? [];
}

function sourceOf({ text, hex }: Row): Raw {
  return text === undefined ? { hex: hex ?? "" } : { text };
}

function caseOf(row: Row, index: number, valid: string | undefined): JsonCase {
  const want = row.result === "invalid" ? "refused" : valid;
  return {
    id: row.id ?? `row-${index}`,
    source: sourceOf(row),
    ...(want === undefined ? {} : { want }),
  };
}

function messageCase(row: Row, index: number): MessageCase {
  const flags = (row.http ? READ_FLAG_LINE_BREAKS : 0) | (row.lenient ? READ_FLAG_LENIENT : 0);
  return { ...caseOf(row, index, row.result), flags };
}

function frameImage(seed: number): FrameImage {
  const random = createRandom(seed);
  const image = policyImage(randomPolicyCatalog(random));
  const frames = Array.from({ length: FRAMES_PER_IMAGE }, (_, index) => {
    const { principal, frame } = randomFrame(random, image);
    const decision = decide(image.catalog, image.image, principal, frame.bytes);
    return {
      id: `${seed}/${index}`,
      input: toHex(frame.bytes),
      want: toHex(encodeDecision(decision)),
    };
  });
  return { image: toHex(image.bytes), frames };
}

/**
 * Every vector of a run.
 *
 * @param folder of the committed vector files
 * @param wycheproofPath Wycheproof's Ed25519 file, where it is there
 */
export function makeVectors(folder: string, wycheproofPath: string | undefined): Vectors {
  const signatures =
    wycheproofPath === undefined ? [] : wycheproof(readFileSync(wycheproofPath, "utf8"));
  const definition = (id: string, description: string): JsonCase => ({
    id,
    source: { text: JSON.stringify({ name: "t", description, inputSchema: { type: "object" } }) },
  });
  return {
    catalogs: catalogCases(),
    json: [
      ...rows(`${folder}/json-strict.json`, "cases"),
      ...rows(`${folder}/number.json`, "cases"),
    ].map((row, index) => caseOf(row, index, row.canonical)),
    items: rows(`${folder}/fingerprint.json`, "items").map((row, index) => ({
      ...caseOf(row, index, row.fingerprint),
      kind: row.kind ?? "tool",
    })),
    manifests: rows(`${folder}/fingerprint.json`, "manifests").map((row, index) =>
      caseOf(row, index, row.manifest),
    ),
    guard: guardCase(rows(`${folder}/message.json`, "cases").map(messageCase)),
    audit: auditVectors(),
    images: Array.from({ length: IMAGES }, (_, seed) => frameImage(seed)),
    definitions: [
      ...POISONED.map(([technique, text], index) => definition(`${technique}-${index}`, text)),
      ...HONEST.map((text, index) => definition(`honest-${index}`, text)),
    ],
    texts: PATTERN_ROWS.flatMap(([id, positive, nearMiss]) => [
      { id: `${id}-found`, text: positive },
      { id: `${id}-near`, text: nearMiss },
    ]),
    signatures: [...ownSignatures(), ...signatures],
  };
}
