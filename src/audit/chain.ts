// The digest of all checkpoints of a log, which its `close` record carries.
import { utf8 } from "../bytes.ts";
import { framedDigest } from "../kernel/framed.ts";

const TAG = "portcullis:checkpoints:v1";

/** The digest up to and with `note`; `chain` is that of the notes before it, empty at first. */
export function chainCheckpoint(chain: string, note: string): string {
  return framedDigest(TAG, utf8(chain), utf8(note));
}
