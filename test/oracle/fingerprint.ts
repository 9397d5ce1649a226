// Oracle: digests of definitions and manifests, 20-fingerprint sections 1 and 2, with node:crypto.
import { createHash } from "node:crypto";
import { canonical } from "./canonical.ts";
import {
  type ArrayNode,
  type JsonFault,
  type JsonNode,
  type Member,
  readStrict,
  readTolerant,
} from "./strict-json.ts";

export type Kind = "tool" | "prompt" | "resource" | "resource_template";

/** What tells the kinds apart: where they are listed, what names them, how long a name may be. */
export const KINDS: readonly {
  readonly kind: Kind;
  readonly list: string;
  readonly nameMember: string;
  /** UTF-8 bytes. */
  readonly nameMax: number;
}[] = [
  { kind: "tool", list: "tools", nameMember: "name", nameMax: 128 },
  { kind: "prompt", list: "prompts", nameMember: "name", nameMax: 128 },
  { kind: "resource", list: "resources", nameMember: "uri", nameMax: 2048 },
  {
    kind: "resource_template",
    list: "resourceTemplates",
    nameMember: "uriTemplate",
    nameMax: 2048,
  },
];

const DEFINITION_BYTES_MAX = 1_048_576;
const LIST_BYTES_MAX = 16_777_216;
const DEPTH_MAX = 64;

function sha256(...parts: readonly (Uint8Array | string)[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** SHA-256( TAG("portcullis:item:v1") || TAG(kind) || JCS(definition) ), 32 bytes. */
export function itemDigest(kind: Kind, definition: JsonNode): Uint8Array {
  return sha256("portcullis:item:v1\0", kind, "\0", canonical(definition));
}

/** u16be(length of the name) || name || digest. */
export function entry(name: string, digest: Uint8Array): Uint8Array {
  const nameBytes = Buffer.from(name, "utf8");
  const length = Buffer.from([nameBytes.length >> 8, nameBytes.length & 0xff]);
  return Buffer.concat([length, nameBytes, digest]);
}

/** RFC 6962 section 2.1: the Merkle tree hash of the leaves in their order. */
export function merkleTreeHash(leaves: readonly Uint8Array[]): Uint8Array {
  const [first] = leaves;
  if (first === undefined) return sha256();
  if (leaves.length === 1) return sha256(Uint8Array.of(0), first);
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  const left = merkleTreeHash(leaves.slice(0, split));
  const right = merkleTreeHash(leaves.slice(split));
  return sha256(Uint8Array.of(1), left, right);
}

/** Digest of the instructions, 64 hex digits; absent instructions are "". */
export function instructionsDigest(text: string): string {
  return hex(sha256("portcullis:instructions:v1\0", text));
}

/** Name and digest of one item. */
export interface NamedDigest {
  readonly name: string;
  /** 32 bytes. */
  readonly digest: Uint8Array;
}

/** Root over the items of one kind, in any order, 64 hex digits. */
export function kindRoot(items: readonly NamedDigest[]): string {
  const sorted = [...items].sort((a, b) =>
    Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)),
  );
  return hex(merkleTreeHash(sorted.map(({ name, digest }) => entry(name, digest))));
}

/** `sha256:<hex>` of a whole manifest. */
export function serverFingerprint(
  items: ReadonlyMap<Kind, readonly NamedDigest[]>,
  instructions: string,
): string {
  const part = (kind: Kind): string => {
    const list = items.get(kind) ?? [];
    return `{"count":${list.length},"root":"${kindRoot(list)}"}`;
  };
  const text =
    `{"instructions":"${instructionsDigest(instructions)}","prompts":${part("prompt")},` +
    `"resource_templates":${part("resource_template")},"resources":${part("resource")},` +
    `"tools":${part("tool")}}`;
  return `sha256:${hex(sha256("portcullis:server:v1\0", text))}`;
}

/** Why one definition is refused. */
export type ItemFault = JsonFault | "shape" | "name" | "duplicate_name";

export interface ItemReport {
  /** Position in the list of its kind, from 0. */
  readonly index: number;
  /** null when the definition does not have exactly one readable name within its limit. */
  readonly name: string | null;
  /** `sha256:<hex>`; absent when there is an error. */
  readonly fingerprint?: string;
  readonly error?: ItemFault;
}

export interface FileReport {
  readonly ok: boolean;
  /** The whole file is refused: not JSON, not a manifest, too large, or ambiguous outside items. */
  readonly error?: JsonFault | "shape";
  /** `sha256:<hex>`; only of a manifest without a refused item. */
  readonly manifest?: string;
  /** Text of the instructions; "" when absent. */
  readonly instructions: string;
  readonly items: ReadonlyMap<Kind, readonly ItemReport[]>;
}

/** The one string member of that name, when it can be a name. */
function nameOf(members: readonly Member[], nameMember: string, nameMax: number): string | null {
  const found = members.filter(({ name }) => name === nameMember);
  const value = found[0]?.value;
  if (found.length !== 1 || value?.type !== "string" || !value.value.isWellFormed()) return null;
  return Buffer.byteLength(value.value, "utf8") <= nameMax ? value.value : null;
}

/** Reads one definition; a refused one keeps its name where that is beyond doubt. */
export function fingerprintItem(kind: Kind, raw: Uint8Array, index = 0): ItemReport {
  const row = KINDS.find((candidate) => candidate.kind === kind);
  if (row === undefined) throw new Error(`unknown kind ${kind}`);
  const { value, fault, topMembers } = readTolerant(raw, { depthMax: DEPTH_MAX });
  const isObject = value?.type === "object";
  const name = isObject ? nameOf(topMembers, row.nameMember, row.nameMax) : null;
  if (raw.length > DEFINITION_BYTES_MAX) return { index, name, error: "size" };
  if (fault !== undefined) return { index, name, error: fault };
  if (!isObject) return { index, name, error: "shape" };
  if (name === null) return { index, name, error: "name" };
  return { index, name, fingerprint: `sha256:${hex(itemDigest(kind, value))}` };
}

function fingerprintList(kind: Kind, file: Uint8Array, list: ArrayNode): readonly ItemReport[] {
  const reports = list.items.map((item, index) =>
    fingerprintItem(kind, file.subarray(item.start, item.end), index),
  );
  const counts = new Map<string, number>();
  for (const { name } of reports) if (name !== null) counts.set(name, (counts.get(name) ?? 0) + 1);
  return reports.map((report) => {
    const { index, name, error } = report;
    if (name === null || counts.get(name) === 1) return report;
    return { index, name, error: error ?? "duplicate_name" };
  });
}

/** Container of the lists: its members, or why the file is refused. */
function readContainer(file: Uint8Array): readonly Member[] | JsonFault | "shape" {
  if (file.length > LIST_BYTES_MAX) return "size";
  // two brackets of the container are open around an item, where the count starts again
  const { value, fault, topMembers } = readTolerant(file, { depthMax: DEPTH_MAX + 2 });
  if (value === undefined) return fault ?? "syntax";
  if (value.type === "array") return [{ name: "tools", value }];
  if (value.type !== "object") return "shape";
  const lists = KINDS.map(({ list }) => list);
  const names = new Set<string>();
  for (const member of topMembers) {
    if (!member.name.isWellFormed()) return "surrogate";
    if (names.has(member.name)) return "duplicate";
    names.add(member.name);
    if (lists.includes(member.name)) {
      if (member.value.type !== "array") return "shape";
      continue;
    }
    const rest = file.subarray(member.value.start, member.value.end);
    const result = readStrict(rest, { depthMax: DEPTH_MAX - 1 });
    if (!result.ok) return result.error;
    if (member.name === "instructions" && member.value.type !== "string") return "shape";
  }
  return topMembers;
}

/**
 * What `portcullis fingerprint --json` should say of a file: a tools/list result, an array of
 * tools, or `{ tools?, prompts?, resources?, resourceTemplates?, instructions? }`.
 */
export function fingerprintFile(file: Uint8Array): FileReport {
  const members = readContainer(file);
  if (typeof members === "string") {
    return { ok: false, error: members, instructions: "", items: new Map() };
  }
  const items = new Map<Kind, readonly ItemReport[]>();
  const digests = new Map<Kind, readonly NamedDigest[]>();
  for (const { kind, list } of KINDS) {
    const found = members.find(({ name }) => name === list)?.value;
    const reports = found?.type === "array" ? fingerprintList(kind, file, found) : [];
    items.set(kind, reports);
    digests.set(
      kind,
      reports.map(({ name, fingerprint }) => ({
        name: name ?? "",
        digest: Buffer.from((fingerprint ?? "").slice("sha256:".length), "hex"),
      })),
    );
  }
  const told = members.find(({ name }) => name === "instructions")?.value;
  const instructions = told?.type === "string" ? told.value : "";
  if ([...items.values()].flat().some(({ error }) => error !== undefined)) {
    return { ok: false, instructions, items };
  }
  return { ok: true, manifest: serverFingerprint(digests, instructions), instructions, items };
}
