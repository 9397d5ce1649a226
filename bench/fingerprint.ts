// P7: fingerprints of tools/list results, from their bytes.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import canonicalize from "canonicalize";
import { toHex, utf8 } from "../esm/bytes.js";
import { readManifest } from "../esm/manifest/read.js";
import type { Finding } from "./finding.js";
import { measureRounds, medians, ratioOf } from "./measure.js";

const FOLDER: string = fileURLToPath(new URL("../../../shared/data/tools/", import.meta.url));
const TAG = "portcullis:item:v1\0tool\0";
/** Bytes of the tool that the goal is stated for. */
const GOAL_TOOL_SIZE = 1400;

interface Listings {
  /** Each the bytes of one tools/list result. */
  readonly texts: readonly Uint8Array[];
  readonly toolCount: number;
  readonly origin: string;
}

interface ToolList {
  readonly tools: readonly unknown[];
}

function readListings(): Listings {
  const lists: ToolList[] = [];
  try {
    for (const name of readdirSync(FOLDER).toSorted()) {
      if (!name.endsWith(".json")) continue;
      const { tools }: ToolList = JSON.parse(readFileSync(`${FOLDER}${name}`, "utf8"));
      lists.push({ tools });
    }
  } catch {
    lists.length = 0;
  }
  const isReal = lists.length > 0;
  if (!isReal)
    lists.push({ tools: Array.from({ length: 60 }, (_, index) => generatedTool(index)) });
  return {
    texts: lists.map((list) => utf8(JSON.stringify(list))),
    toolCount: lists.reduce((count, { tools }) => count + tools.length, 0),
    origin: isReal ? `${lists.length} real servers` : "generated",
  };
}

/** A definition like those of real servers: about 1.4 KB, half of it prose. */
function generatedTool(index: number): object {
  const text =
    "Reads or changes an entry of the archive. Paths are relative to the workspace; symbolic " +
    'links are followed once. The result lists "id", "title" and \u2026 further members. ';
  const properties = Object.fromEntries(
    ["path", "limit", "cursor", "filter", "recursive"].map((name, place) => [
      name,
      { type: place % 2 === 0 ? "string" : "integer", description: text.slice(0, 60 + 9 * place) },
    ]),
  );
  return {
    name: `archive_entry_${index}`,
    title: `Archive entry ${index}`,
    description: text.repeat(3),
    inputSchema: { type: "object", properties, required: ["path"], additionalProperties: false },
    annotations: { readOnlyHint: index % 2 === 0, openWorldHint: false },
  };
}

/** The fingerprints as a program without the kernel takes them. */
function parsedFingerprints(text: Uint8Array, digest: (bytes: Uint8Array) => string): string[] {
  const list: ToolList = JSON.parse(Buffer.from(text.buffer).toString("utf8"));
  return list.tools.map((tool) => digest(utf8(TAG + canonicalize(tool))));
}

const withNoble = (bytes: Uint8Array): string => toHex(nobleSha256(bytes));
const withNode = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

function assertTruth(texts: readonly Uint8Array[]): void {
  for (const text of texts) {
    const expected = parsedFingerprints(text, withNode).map((hex) => `sha256:${hex}`);
    const other = parsedFingerprints(text, withNoble).map((hex) => `sha256:${hex}`);
    const own = readManifest(text).tools.map(({ fingerprint }) => fingerprint);
    if (own.join() !== expected.join() || other.join() !== expected.join()) {
      throw new Error("expected equal fingerprints of every tool, got different ones");
    }
  }
}

/** Measures all the listings together. */
export async function measureFingerprint(): Promise<Finding[]> {
  const { texts, toolCount, origin } = readListings();
  assertTruth(texts);
  const prepare = (): readonly Uint8Array[] => texts;
  const parsed = (digest: (bytes: Uint8Array) => string) => (list: readonly Uint8Array[]) => {
    let size = 0;
    for (const text of list) size += parsedFingerprints(text, digest).length;
    return size;
  };
  const guarded = (list: readonly Uint8Array[]): number => {
    let size = 0;
    for (const text of list) size += readManifest(text).tools.length;
    return size;
  };
  const parseOnly = (list: readonly Uint8Array[]): number => {
    let size = 0;
    for (const text of list) {
      const { tools }: ToolList = JSON.parse(Buffer.from(text.buffer).toString("utf8"));
      size += tools.length;
    }
    return size;
  };
  const rounds = measureRounds(
    [
      { name: "portcullis", prepare, run: guarded },
      { name: "canonicalize + noble", prepare, run: parsed(withNoble) },
      { name: "canonicalize + node", prepare, run: parsed(withNode) },
      { name: "JSON.parse alone", prepare, run: parseOnly },
    ],
    { operationCount: toolCount, batchCount: 2, warmUpCount: 60 },
  );
  const values = Object.fromEntries(
    Object.entries(medians(rounds)).map(([name, ns]) => [name, ns / 1000]),
  );
  const size = texts.reduce((sum, text) => sum + text.length, 0);
  const perGoalTool = ((values["portcullis"] ?? Number.NaN) * toolCount * GOAL_TOOL_SIZE) / size;
  const what = `${toolCount} tools of ${origin}, ${Math.round(size / toolCount)} B each`;
  const ratio = (name: string): readonly number[] => [ratioOf(rounds, name, "portcullis")];
  const finding = (versus: string, scores: readonly number[]): Finding => ({
    key: `P7/${versus}`,
    what: `fingerprint, ${what}, against ${versus}`,
    unit: "us",
    values,
    scores,
    scoreUnit: "x",
  });
  return [
    finding("noble", ratio("canonicalize + noble")),
    finding("node", ratio("canonicalize + node")),
    {
      ...finding("tool", [perGoalTool]),
      what: `fingerprint, per ${GOAL_TOOL_SIZE} B of definition`,
      scoreUnit: "us",
    },
  ];
}
