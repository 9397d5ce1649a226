// What a record's output frame says, for views of a log.
import { fromBase64 } from "../bytes.ts";
import { GuardError } from "../errors.ts";
import { readOutputFrame } from "../kernel/output-frame.ts";

/** True when the frame says so, and where there is no frame to say otherwise. */
export function frameStateChanging(base64: string | undefined): boolean {
  try {
    const frame = base64 === undefined ? undefined : readOutputFrame(fromBase64(base64));
    return frame?.isStateChanging ?? true;
  } catch (fault) {
    if (fault instanceof GuardError) return true;
    throw fault;
  }
}
