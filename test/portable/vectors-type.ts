// What the conformance module works on: JSON alone, so that every host reads the same bytes.

/** Raw bytes: as text of valid UTF-8, or as lower-case hex. */
export type Raw =
  | { readonly text: string; readonly hex?: undefined }
  | { readonly text?: undefined; readonly hex: string };

/** `want` is what must come out, where that is known from elsewhere. */
interface Case {
  readonly id: string;
  readonly want?: string | undefined;
}

export interface CatalogCase extends Case {
  /** `want` is `ok` or the error code. */
  readonly want: string;
  readonly roots: readonly string[];
  readonly envelope?: string | undefined;
  readonly toml?: string | undefined;
  readonly signatures?: readonly string[] | undefined;
  readonly rootPin?: string | undefined;
  readonly expectId?: string | undefined;
  readonly minVersion?: number | undefined;
  /** ms since the epoch. */
  readonly nowMs: number;
}

export type JsonCase = Case & { readonly source: Raw };

/** `want` is the fingerprint or `refused`. */
export interface ItemCase extends JsonCase {
  readonly kind: "tool" | "prompt" | "resource" | "resource_template";
}

export interface MessageCase extends JsonCase {
  /** READ_FLAG_* */
  readonly flags: number;
}

export interface TextCase extends Case {
  readonly text: string;
}

export interface FrameCase extends Case {
  /** The output frame, hex. */
  readonly want: string;
  readonly input: string;
}

export interface FrameImage {
  readonly image: string;
  readonly frames: readonly FrameCase[];
}

export interface SignatureCase extends Case {
  /** `true` or `false`. */
  readonly want?: string | undefined;
  /** Hex, as the others. */
  readonly publicKey: string;
  readonly message: string;
  readonly signature: string;
}

/** One call of the gateway's session. */
export interface GatewayStep extends Case {
  /** Who calls; `want` is the outcome and the reason. */
  readonly principal: string;
  readonly session: string;
  readonly server: string;
  readonly tool: string | object;
  readonly args: unknown;
  readonly scopes?: readonly string[] | undefined;
  /** A lease that is granted before the call. */
  readonly lease?:
    | {
        readonly tools: readonly string[];
        readonly maxInvocations: number;
        readonly stateChanging: boolean;
      }
    | undefined;
  /** What a person answers when the gateway asks; absent: nobody is asked. */
  readonly answer?: "deny" | "once" | "session" | undefined;
}

/** A guard and a gateway over one catalog. */
export interface GuardCase {
  readonly root: string;
  readonly envelope: string;
  /** ms since the epoch. */
  readonly nowMs: number;
  readonly server: string;
  readonly listing: string;
  /** A listing in which one tool has drifted. */
  readonly drifted: string;
  readonly checks: readonly (Case & {
    readonly server: string;
    readonly tool: string;
    readonly scopes?: readonly string[] | undefined;
  })[];
  readonly messages: readonly MessageCase[];
  readonly steps: readonly GatewayStep[];
}

/** The files of one log. */
export interface AuditFiles {
  readonly origin: string;
  readonly records: string;
  readonly history: string;
  readonly checkpoint: string;
  readonly statements: string;
}

/** `want` is `ok` or the code of the finding. */
export interface AuditCase extends Case {
  readonly want: string;
  readonly files: AuditFiles;
}

export interface AuditVectors {
  readonly root: string;
  readonly envelope: string;
  /** ms since the epoch. */
  readonly nowMs: number;
  /** What records name by digest, by file name. */
  readonly objects: readonly (readonly [string, string])[];
  /** Decisions of the log that was not changed, which is the first case. */
  readonly calls: number;
  readonly cases: readonly AuditCase[];
}

export interface Vectors {
  readonly catalogs: readonly CatalogCase[];
  readonly json: readonly JsonCase[];
  readonly items: readonly ItemCase[];
  /** `want` is the server fingerprint or `refused`. */
  readonly manifests: readonly JsonCase[];
  readonly guard: GuardCase;
  readonly images: readonly FrameImage[];
  readonly audit: AuditVectors;
  readonly definitions: readonly JsonCase[];
  readonly texts: readonly TextCase[];
  readonly signatures: readonly SignatureCase[];
}
