// The definitions that a server sent last, by item of the image: digests for the frames of `decide`,
// texts for vetting and for input schemas.
import { fromHex } from "../bytes.ts";
import { type DigestWords, digestWords } from "../kernel/decide.ts";
import type { LiveItem } from "../manifest/types.ts";

/** One live definition of a pinned item. */
export interface LiveDefinition {
  /** `sha256:<hex>` of the whole definition. */
  readonly fingerprint: string;
  readonly digest: DigestWords;
  /** Its raw JSON text; a copy or frozen by ownership: nobody changes it. */
  readonly text: Uint8Array | undefined;
}

/** The live definition of a listed item; `undefined` when it could not be read. */
export function liveDefinition(item: LiveItem): LiveDefinition | undefined {
  const { fingerprint, source, span } = item;
  const digest = fromHex(fingerprint?.slice(7) ?? "");
  if (fingerprint === undefined || digest?.length !== 32) return undefined;
  const text = source?.subarray(span.start, span.end);
  return { fingerprint, digest: digestWords(digest), text };
}

/** What was seen of each server since it was last listed. */
export class LiveItems {
  readonly #byServer = new Map<number, Map<number, LiveDefinition>>();

  /** Replaces everything of a server. Indices are those of the image. */
  replace(server: number, items: Map<number, LiveDefinition>): void {
    this.#byServer.set(server, items);
  }

  /** Nothing of the server counts as seen any more. */
  forget(server: number): void {
    this.#byServer.delete(server);
  }

  get(server: number, item: number): LiveDefinition | undefined {
    return this.#byServer.get(server)?.get(item);
  }
}
