// Two output frames, field by field, for a person.
import { bytesEqual } from "../bytes.ts";
import { readOutputFrame } from "../kernel/output-frame.ts";
import { toDecision } from "../verdict.ts";

/** A field in which they differ, as text. */
export interface FieldDifference {
  readonly field: string;
  readonly recorded: string;
  readonly replayed: string;
}

/** The fields in which two frames differ; none exactly when their bytes are the same. */
export function frameDifferences(recorded: Uint8Array, replayed: Uint8Array): FieldDifference[] {
  if (bytesEqual(recorded, replayed)) return [];
  const before = new Map(fieldsOf(recorded));
  const after = new Map(fieldsOf(replayed));
  const names = [...new Set([...before.keys(), ...after.keys()])];
  const found = names
    .map((field) => ({
      field,
      recorded: before.get(field) ?? "none",
      replayed: after.get(field) ?? "none",
    }))
    .filter((one) => one.recorded !== one.replayed);
  if (found.length > 0) return found;
  const at = recorded.findIndex((byte, index) => byte !== replayed[index]);
  const byteOf = (frame: Uint8Array): string => String(frame[at] ?? "none");
  return [{ field: `byte ${at}`, recorded: byteOf(recorded), replayed: byteOf(replayed) }];
}

function fieldsOf(frame: Uint8Array): [string, string][] {
  const fields = readOutputFrame(frame);
  if (fields === undefined) return [["frame", `${frame.length} bytes that are no output frame`]];
  return Object.entries(fields).map(([name, value]): [string, string] => {
    if (name === "verdict") return [name, `${value} ${toDecision(fields.verdict).reason}`];
    return [name, Array.isArray(value) ? `[${value.join(" ")}]` : String(value)];
  });
}
