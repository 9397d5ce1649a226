// Faults as people and programs read them: one line, or one JSON document.
import { readFileSync } from "node:fs";

import { utf8Text } from "../bytes.ts";
import { type ErrorPlace, GuardError, renderPlace } from "../errors.ts";
import { visible } from "./style.ts";

/** A fault for output. */
export interface FaultReport {
  readonly code: string;
  /** What, where and what to do; one line. */
  readonly message: string;
}

/**
 * Runs `action` and adds `file` to the place of a fault that has none.
 *
 * @throws {GuardError} what `action` throws.
 */
export function inFile<T>(file: string, action: () => T): T {
  try {
    return action();
  } catch (fault) {
    if (!(fault instanceof GuardError) || fault.at?.file !== undefined) throw fault;
    throw new GuardError(fault.code, fault.message, { cause: fault, at: { ...fault.at, file } });
  }
}

/** What is printed for a fault; anything but a GuardError is a mistake of this program. */
export async function reportFault(fault: unknown): Promise<FaultReport> {
  if (!(fault instanceof GuardError)) {
    const what = fault instanceof Error ? fault.message : String(fault);
    return { code: "INTERNAL", message: visible(`unexpected fault: ${what}`) };
  }
  const place = renderPlace(await locate(fault.at));
  return {
    code: fault.code,
    message: visible(place === "" ? fault.message : `${place}: ${fault.message}`),
  };
}

/** Adds line and column to a key path in a TOML file. */
async function locate(at: ErrorPlace | undefined): Promise<ErrorPlace | undefined> {
  if (at?.file?.endsWith(".toml") !== true || at.path === undefined || at.line !== undefined) {
    return at;
  }
  try {
    const text = utf8Text(readFileSync(at.file));
    // WHY: the editor's parser is loaded for a fault only; it would slow down every start
    const { positionOf } = await import("../catalog/position.ts");
    const position = text === undefined ? undefined : positionOf(text, at.path);
    return position === undefined ? at : { ...at, ...position };
  } catch {
    return at;
  }
}
