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
  if (fingerprint === undefined) return undefined;
  return liveDefinitionOf(fingerprint, source?.subarray(span.start, span.end));
}

/** `undefined` when `fingerprint` is not `sha256:` and 64 lower-case hex digits. */
export function liveDefinitionOf(
  fingerprint: string,
  text: Uint8Array | undefined,
): LiveDefinition | undefined {
  const digest = fromHex(fingerprint.slice("sha256:".length));
  if (digest?.length !== 32) return undefined;
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
