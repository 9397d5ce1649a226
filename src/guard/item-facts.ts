// What is known of a live definition, asked for once a digest: vetting and input schema.
import {
  VETTING_CRITICAL,
  VETTING_HIGH,
  VETTING_LOW,
  VETTING_MEDIUM,
  VETTING_NONE,
} from "../abi/frame.ts";
import { utf8Text } from "../bytes.ts";
import type { CatalogItem } from "../catalog/types.ts";
import type { VettingLevel, VettingReport } from "../vetting/types.ts";
import { vetTool } from "../vetting/vet.ts";
import { isJsonObject } from "./argument-snapshot.ts";
import type { LiveDefinition } from "./live-items.ts";
import type { SchemaCheck } from "./schema.ts";
import { SchemaCache } from "./schema-cache.ts";

const LEVELS: Readonly<Record<VettingLevel, number>> = {
  none: VETTING_NONE,
  low: VETTING_LOW,
  medium: VETTING_MEDIUM,
  high: VETTING_HIGH,
  critical: VETTING_CRITICAL,
};

/** Facts about one definition under one item of the catalog. */
export interface ItemFacts {
  readonly fingerprint: string;
  readonly vetting: VettingReport | undefined;
  /** VETTING_*; what cannot be vetted is critical. */
  readonly level: number;
  /** `undefined`: every JSON object is valid. */
  readonly schema: SchemaCheck | undefined;
}

/** Facts of the items of one image; nothing is scanned or compiled twice. */
export class ItemFactsCache {
  readonly #schemas = new SchemaCache();
  /** Of the definition that was asked about last, by item. */
  readonly #facts = new Map<number, ItemFacts>();

  of(index: number, item: CatalogItem, live: LiveDefinition): ItemFacts {
    const known = this.#facts.get(index);
    if (known?.fingerprint === live.fingerprint) return known;
    const facts = this.#make(item, live);
    this.#facts.set(index, facts);
    return facts;
  }

  #make(item: CatalogItem, { fingerprint, text }: LiveDefinition): ItemFacts {
    const vetting = text === undefined ? undefined : vet(item, text);
    const level = vetting === undefined ? VETTING_CRITICAL : LEVELS[vetting.level];
    if (item.kind !== "tool") return { fingerprint, vetting, level, schema: undefined };
    const inputSchema = inputSchemaOf(text);
    const schema = acceptsAnyObject(inputSchema)
      ? undefined
      : this.#schemas.get(fingerprint, () => inputSchema);
    return { fingerprint, vetting, level, schema };
  }
}

function vet(item: CatalogItem, text: Uint8Array): VettingReport | undefined {
  try {
    return vetTool(text, { accept: item.vettingAccept });
  } catch {
    // a text that the strict reader refuses has no level of its own
    return undefined;
  }
}

function inputSchemaOf(text: Uint8Array | undefined): unknown {
  const json = text === undefined ? undefined : utf8Text(text);
  const definition: unknown = json === undefined ? undefined : JSON.parse(json);
  return isJsonObject(definition) ? definition["inputSchema"] : undefined;
}

const SAYS_NOTHING: ReadonlySet<string> = new Set(["$schema", "title", "description", "$comment"]);

/** True for `{ "type": "object" }` and what adds nothing to it: there is nothing to validate. */
function acceptsAnyObject(schema: unknown): boolean {
  if (!isJsonObject(schema) || schema["type"] !== "object") return false;
  return Object.entries(schema).every(([key, value]) => {
    if (key === "type" || SAYS_NOTHING.has(key)) return true;
    return key === "properties" && isJsonObject(value) && Object.keys(value).length === 0;
  });
}
