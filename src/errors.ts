// The one error class. Refusals are values; only faults throw (style.md rule 1).

/** Where a fault is: a file position, a key path, or a byte offset. */
export interface ErrorPlace {
  readonly file?: string;
  /** 1-based. */
  readonly line?: number;
  /** 1-based. */
  readonly column?: number;
  /** Key path, e.g. `servers.filesystem.tools.read_text_file.scope[0]`. */
  readonly path?: string;
  /** Byte offset, 0-based. */
  readonly offset?: number;
}

/** Every error code portcullis throws; each is explained in docs/errors.md. */
export type GuardErrorCode =
  | "CATALOG_ENVELOPE"
  | "CATALOG_SIGNATURE_INVALID"
  | "CATALOG_ROLE"
  | "CATALOG_THRESHOLD"
  | "CATALOG_TYPE"
  | "CATALOG_SYNTAX"
  | "CATALOG_SCHEMA"
  | "CATALOG_FINGERPRINT"
  | "CATALOG_ROLLBACK"
  | "CATALOG_EQUIVOCATION"
  | "CATALOG_EXPIRED"
  | "CATALOG_LIFETIME"
  | "CATALOG_NOT_YET_VALID"
  | "CATALOG_ID"
  | "CATALOG_LIMIT"
  | "STORE_UNAVAILABLE"
  | "STORE_CORRUPT"
  | "LOCK_INVALID"
  | "ROOT_SYNTAX"
  | "ROOT_SCHEMA"
  | "ROOT_KEY_INVALID"
  | "ROOT_ROLE"
  | "ROOT_PIN"
  | "ROOT_CHAIN"
  | "ROOT_SIGNATURE"
  | "ROOT_EXPIRED"
  | "STATE_CORRUPT"
  | "KEY_INVALID"
  | "KEY_PERMISSIONS"
  | "IMAGE_INVALID"
  | "IMAGE_LIMIT"
  | "KERNEL_LOAD"
  | "KERNEL_CAPACITY"
  | "PATTERN_INVALID"
  | "JSON_INVALID"
  | "MANIFEST_INVALID"
  | "MANIFEST_LIMIT"
  | "ADMISSION_INVALID"
  | "SCOPE_UNKNOWN"
  | "SERVER_UNKNOWN"
  | "SERVER_COMMAND"
  | "SERVER_START"
  | "TRANSPORT_CLOSED"
  | "SERVER_PROTOCOL"
  | "HOME_UNSAFE"
  | "HOME_INCOMPLETE"
  | "CONFIG_INVALID"
  | "ARGUMENT_INVALID"
  | "FILE_UNREADABLE"
  | "FILE_EXISTS"
  | "AUDIT_UNWRITABLE"
  | "AUDIT_LEAF"
  | "AUDIT_SEQUENCE"
  | "AUDIT_TRUNCATED"
  | "AUDIT_EMPTY"
  | "AUDIT_ORIGIN"
  | "AUDIT_SIGNATURE"
  | "AUDIT_INCONSISTENT"
  | "AUDIT_LOG_MISSING"
  | "AUDIT_KERNEL"
  | "AUDIT_CATALOG"
  | "AUDIT_LIVE"
  | "AUDIT_REPLAY"
  | "DEPENDENCY_MISSING"
  | "USAGE";

export interface GuardErrorOptions {
  readonly cause?: unknown;
  readonly at?: ErrorPlace;
}

/**
 * A fault: what, where, and what to do, in one line.
 *
 * Messages never hold arguments or secrets; untrusted text in them is quoted with `quote`.
 */
export class GuardError extends Error {
  override readonly name = "GuardError";
  readonly code: GuardErrorCode;
  readonly at: ErrorPlace | undefined;

  constructor(code: GuardErrorCode, message: string, options: GuardErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.at = options.at;
  }
}

const QUOTED_CHARACTERS_MAX = 80;

/**
 * Quotes untrusted text for a message: backticks, escapes for everything that is not printable
 * ASCII, at most 80 characters of the original.
 */
export function quote(text: string): string {
  const cut = text.length > QUOTED_CHARACTERS_MAX ? text.slice(0, QUOTED_CHARACTERS_MAX) : text;
  const escaped = cut.replace(/[^\x20-\x5b\x5d-\x5f\x61-\x7e]/gu, (c) => {
    const point = c.codePointAt(0) ?? 0;
    return `\\u{${point.toString(16)}}`;
  });
  return `\`${escaped}${cut.length < text.length ? "…" : ""}\``;
}

/** Renders a place as `file:line:column` or a key path; empty when there is none. */
export function renderPlace(at: ErrorPlace | undefined): string {
  if (at === undefined) return "";
  const position = [at.file, at.line, at.column].filter((part) => part !== undefined).join(":");
  const offset = at.offset === undefined ? "" : `byte ${at.offset}`;
  return [position, at.path ?? "", offset].filter((part) => part !== "").join(" ");
}
