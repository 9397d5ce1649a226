// A connection whose `echo` needs a person: what was asked, and ways to answer.
import type { TrustedCatalog } from "../../src/catalog/trusted.ts";
import type { GuardSessionOptions } from "../../src/proxy/session-options.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { SyncStateStore } from "../../src/store/types.ts";
import { FIXTURE_SERVER, type MockOptions } from "../../src/testing/index.ts";
import { type CatalogParts, type ClientMessage, catalogToml, Rig, trust } from "./rig.ts";

/** Calls of `echo` add no label: an approval holds only while the session has no new ones. */
export const CONSENT_CATALOG: CatalogParts = {
  itemKeys: {
    echo: 'requires = ["consent"]\nadds_taint = []',
    write_file: 'requires = ["consent"]',
  },
};

/** A catalog whose `echo` and `write_file` ask. */
export function askingCatalog(parts: CatalogParts = {}): Promise<TrustedCatalog> {
  return trust(catalogToml({ ...CONSENT_CATALOG, ...parts }));
}

export interface AskingRigOptions {
  readonly catalog: TrustedCatalog;
  readonly server?: MockOptions;
  /** Default: one of its own that nobody else uses. */
  readonly store?: SyncStateStore | undefined;
  readonly extra?: Partial<GuardSessionOptions>;
}

/** A rig that knows its own questions. */
export class AskingRig extends Rig {
  readonly store: SyncStateStore;

  constructor({ catalog, server = FIXTURE_SERVER, store, extra = {} }: AskingRigOptions) {
    const used = store ?? createMemoryStore();
    const settings = { store: used, sessionId: "session-1", ...extra };
    super(catalog, server, settings);
    this.store = used;
  }

  /** The guard's elicitations so far. */
  get questions(): readonly ClientMessage[] {
    return this.messages().filter(
      ({ id, method }) => method === "elicitation/create" && String(id).startsWith("portcullis:"),
    );
  }

  /** Id of the last one. */
  get questionId(): string {
    return String(this.questions.at(-1)?.id ?? "no question");
  }

  /** The client's answer to the last one. */
  reply(result: unknown): this {
    return this.send({ jsonrpc: "2.0", id: this.questionId, result });
  }

  /** Details of the records of this kind. */
  details(kind: string): (string | undefined)[] {
    return this.records.filter((record) => record.kind === kind).map(({ detail }) => detail);
  }
}

export function accept(content: object = { approve: true }): object {
  return { action: "accept", content };
}
