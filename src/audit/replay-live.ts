// Whether a frame speaks of what the log saw: its server, its item, the definition that was listed,
// who called (60-audit section 3).
import * as abi from "../abi/frame.ts";
import { bytesEqual, toHex } from "../bytes.ts";
import type { ImageNames } from "../catalog/image-names.ts";
import { quote } from "../errors.ts";
import type { AuditCode } from "./finding.ts";
import { type AuditRecord, objectsOf, textOf } from "./record.ts";

/** What does not fit; `undefined`: it does. */
export type LiveFault = { readonly code: AuditCode; readonly message: string } | undefined;

const DIGEST_BYTES = 32;
const ZEROS = "0".repeat(DIGEST_BYTES * 2);

/** The definitions that `list` records of one log have shown so far. */
export class SeenItems {
  /** Server, kind and name -> digest as it was seen last, in any session. */
  readonly #latest = new Map<string, string>();
  /** The same for each session. */
  readonly #bySession = new Map<string, string>();

  /** Takes in a `list` record. */
  see(record: AuditRecord): void {
    const server = textOf(record.value, "server") ?? "";
    const session = textOf(record.value, "sess") ?? "";
    for (const item of objectsOf(record.value, "items")) {
      const kind = textOf(item, "kind") ?? "";
      const key = JSON.stringify([server, kind, textOf(item, "name") ?? ""]);
      const digest = textOf(item, "digest") ?? "";
      this.#latest.set(key, digest);
      this.#bySession.set(`${session} ${key}`, digest);
    }
  }

  /** `sha256:<hex>` of an item: as this session saw it, else as any did. */
  digestOf(server: string, session: string, kind: string, name: string): string | undefined {
    const key = JSON.stringify([server, kind, name]);
    return this.#bySession.get(`${session} ${key}`) ?? this.#latest.get(key);
  }
}

/** Compares an input frame with its record and with what was listed before it. */
export function frameFault(
  record: AuditRecord,
  frame: Uint8Array,
  names: ImageNames,
  seen: SeenItems,
): LiveFault {
  if (frame.length !== abi.INPUT_SIZE) {
    const message = `expected an input frame of ${abi.INPUT_SIZE} bytes, got ${frame.length}`;
    return { code: "AUDIT_REPLAY", message };
  }
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const image = frame.subarray(abi.INPUT_OFFSET_IMAGE, abi.INPUT_OFFSET_IMAGE + DIGEST_BYTES);
  if (digestAt(frame, abi.INPUT_OFFSET_IMAGE) !== ZEROS && !bytesEqual(image, names.digest)) {
    const message = `expected a frame for the image ${toHex(names.digest)}, got one for another catalog`;
    return { code: "AUDIT_CATALOG", message };
  }
  const server = names.server(view.getInt32(abi.INPUT_OFFSET_SERVER, true));
  const recorded = textOf(record.value, "server");
  if (server !== undefined && server !== recorded) {
    const message = `expected a frame for the server ${quote(recorded ?? "")}, got one for ${quote(server)}`;
    return { code: "AUDIT_LIVE", message };
  }
  return identityFault(record, frame) ?? liveFault(record, frame, view, names, seen);
}

/** Pseudonyms in the frame are those of the record; a frame may leave them out. */
function identityFault(record: AuditRecord, frame: Uint8Array): LiveFault {
  const pairs = [
    [abi.INPUT_OFFSET_PRINCIPAL, "principal"],
    [abi.INPUT_OFFSET_SESSION, "sess"],
  ] as const;
  for (const [offset, name] of pairs) {
    const digest = digestAt(frame, offset);
    if (digest === ZEROS || digest === textOf(record.value, name)) continue;
    const message = `expected a frame for the \`${name}\` of its record, got one for another`;
    return { code: "AUDIT_LIVE", message };
  }
  return undefined;
}

function liveFault(
  record: AuditRecord,
  frame: Uint8Array,
  view: DataView,
  names: ImageNames,
  seen: SeenItems,
): LiveFault {
  const live = digestAt(frame, abi.INPUT_OFFSET_LIVE);
  const item = names.item(view.getInt32(abi.INPUT_OFFSET_ITEM, true));
  const tool = textOf(record.value, "tool") ?? "";
  if (item !== undefined && item.kind !== "resource_template" && item.name !== tool) {
    const message = `expected a frame for the item ${quote(tool)}, got one for ${quote(item.name)}`;
    return { code: "AUDIT_LIVE", message };
  }
  if (live === ZEROS) {
    if (record.decision !== "allow") return undefined;
    const message = "expected the definition that was allowed in its frame, got none";
    return { code: "AUDIT_LIVE", message };
  }
  const server = textOf(record.value, "server") ?? "";
  const session = textOf(record.value, "sess") ?? "";
  const { kind, name } = item ?? { kind: "tool", name: tool };
  const listed = seen.digestOf(server, session, kind, name);
  if (listed === `sha256:${live}`) return undefined;
  const got = listed === undefined ? "one that was never listed" : `one where ${listed} was listed`;
  return {
    code: "AUDIT_LIVE",
    message: `expected a listed definition, sha256:${live}, got ${got}`,
  };
}

function digestAt(frame: Uint8Array, offset: number): string {
  return toHex(frame.subarray(offset, offset + DIGEST_BYTES));
}
