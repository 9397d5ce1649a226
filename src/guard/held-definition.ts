// A definition that a caller holds as an object: fingerprinted once, compared on every call.
import { jsonBytes } from "../kernel/strict-json.ts";
import { fingerprintTool } from "../manifest/fingerprint.ts";
import { type LiveDefinition, liveDefinitionOf } from "./live-items.ts";

/** Definitions by identity and by text; what was dropped is digested again. */
export class HeldDefinitions {
  readonly #byIdentity = new WeakMap<object, LiveDefinition>();

  /**
   * The definition of a tool object: by way of `JSON.stringify`, so that what its parser lost was
   * lost before. One that has no fingerprint equals no pin.
   *
   * INVARIANT: an object counts as what it was when it was first seen; who changes it afterwards is
   * answered for the definition that was judged.
   */
  of(tool: object): LiveDefinition {
    const known = this.#byIdentity.get(tool);
    if (known !== undefined) return known;
    const made = read(tool);
    this.#byIdentity.set(tool, made);
    return made;
  }
}

function read(tool: object): LiveDefinition {
  try {
    const text = jsonBytes(JSON.stringify(tool));
    const made = liveDefinitionOf(fingerprintTool(text), text);
    if (made !== undefined) return made;
  } catch {
    // a cycle, a getter that throws, a text that the strict reader refuses
  }
  return UNREADABLE;
}

/** All ones: no definition has it, as far as anybody can compute. */
const UNREADABLE: LiveDefinition = Object.freeze({
  fingerprint: `sha256:${"ff".repeat(32)}`,
  digest: new Int32Array(8).fill(-1),
  text: undefined,
});
