// A kernel instance with a pattern file in it.
import * as abi from "../abi/patterns.ts";
import { GuardError } from "../errors.ts";
import { Kernel } from "./kernel.ts";

const PATTERN_ERRORS: ReadonlyMap<number, string> = new Map([
  [abi.PATTERN_BAD_LAYOUT, "expected a pattern file whose sections make up its size"],
  [abi.PATTERN_BAD_ABI, "expected a pattern file of this kernel's ABI version"],
  [abi.PATTERN_BAD_DIGEST, "expected the pattern file's own SHA-256, got a changed file"],
  [abi.PATTERN_BAD_CONTENT, "expected sound classes, folds, rules, phrases and states"],
]);

/** Bytes of kernel memory for a pattern file and what it unfolds to. */
function regionSize(file: Uint8Array): number {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const count = (offset: number): number =>
    file.length < abi.PATTERN_HEADER_SIZE ? 0 : view.getUint32(offset, true);
  const states = Math.min(count(abi.PATTERN_OFFSET_STATE_COUNT), abi.LIMIT_PATTERN_STATES);
  const slots = Math.min(count(abi.PATTERN_OFFSET_SLOT_COUNT), abi.LIMIT_PATTERN_COUNT);
  const rules = Math.min(count(abi.PATTERN_OFFSET_RULE_COUNT), abi.LIMIT_PATTERN_RULES);
  const tables =
    states * abi.STATE_TABLES_SIZE + slots * abi.SLOT_TABLE_SIZE + rules * abi.RULE_TABLE_SIZE;
  return file.length + tables + 64;
}

/**
 * Loads a pattern file into a fresh kernel instance, which validates all of it.
 *
 * @param inputSize bytes of the largest text it will scan
 * @throws {GuardError} PATTERN_INVALID when the kernel refuses it; KERNEL_CAPACITY
 */
export function loadScanKernel(file: Uint8Array, inputSize: number): Kernel {
  const kernel = new Kernel({
    imageSize: 0,
    itemCount: 0,
    serverCount: 0,
    inputSize,
    recordSize: 0,
    patternSize: regionSize(file),
  });
  const at = kernel.exports.regionPatterns();
  kernel.bytes.set(file, at);
  const loaded = kernel.exports.loadPatterns(file.length);
  if (loaded === abi.PATTERN_OK) return kernel;
  throw new GuardError(
    "PATTERN_INVALID",
    PATTERN_ERRORS.get(loaded) ?? "expected a sound pattern file",
  );
}
