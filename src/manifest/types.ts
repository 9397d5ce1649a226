// What a server says about itself, as the strict reader saw it.
import type { ItemKind } from "../catalog/types.ts";
import type { Span } from "../kernel/message.ts";

/** One live definition. */
export interface LiveItem {
  readonly kind: ItemKind;
  /** Place in its listing, 0-based. */
  readonly index: number;
  /** `name`, `uri` or `uriTemplate`; `undefined` when none can be read. */
  readonly name: string | undefined;
  /** `sha256:<hex>`; `undefined` when the definition is refused. */
  readonly fingerprint: string | undefined;
  /** Why it is refused. */
  readonly error: string | undefined;
  /** Its bytes in the text it was read from, first to last brace. */
  readonly span: Span;
  /** That text, which nobody else can change; `undefined` where it was not kept. */
  readonly source?: Uint8Array;
}

/** Everything that is fingerprinted of one server. */
export interface Manifest {
  readonly tools: readonly LiveItem[];
  readonly prompts: readonly LiveItem[];
  readonly resources: readonly LiveItem[];
  readonly resourceTemplates: readonly LiveItem[];
  /** Text as sent; `undefined` when absent. */
  readonly instructions: string | undefined;
}

/** Every item of a manifest. */
export function manifestItems(manifest: Manifest): readonly LiveItem[] {
  return [
    ...manifest.tools,
    ...manifest.prompts,
    ...manifest.resources,
    ...manifest.resourceTemplates,
  ];
}
