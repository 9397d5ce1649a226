// The one way from bytes to a catalog the guard will use.
import { isWellFormed, utf8 } from "../bytes.ts";
import { type Clock, systemClock } from "../clock.ts";
import { GuardError } from "../errors.ts";
import type { TrustRoot } from "./root.ts";
import type { TrustStateStore } from "./state.ts";
import type { Catalog, CatalogServer } from "./types.ts";
import { type VerifiedCatalog, verifyCatalogLater } from "./verify.ts";
import type { SignedCatalog } from "./verify-checks.ts";

/** File content: bytes, or the text of UTF-8 bytes. */
export type FileContent = Uint8Array | string;

interface OpenSettings {
  /** The trust root's envelope, or the chain of them, oldest first. */
  readonly root: FileContent | readonly FileContent[];
  /** Hex SHA-256 of the first root's payload. Give it wherever `root` comes from storage. */
  readonly rootPin?: string | undefined;
  /** Where this host remembers what it accepted; without it a rollback is seen by floors only. */
  readonly state?: TrustStateStore | undefined;
  /** The catalog id this host is configured with. */
  readonly expectId?: string | undefined;
  /** The lowest catalog version accepted, for a host without state. */
  readonly minVersion?: number | undefined;
  /** Default: the wall clock. */
  readonly clock?: Clock | undefined;
}

interface DsseFiles {
  /** `catalog.dsse.json`. */
  readonly envelope: FileContent;
  readonly toml?: undefined;
  readonly signatures?: undefined;
}

interface SshsigFiles {
  readonly envelope?: undefined;
  /** `catalog.toml`. */
  readonly toml: FileContent;
  /** Each `catalog.toml.<keyid8>.sig`. */
  readonly signatures: readonly FileContent[];
}

export type OpenOptions = OpenSettings & (DsseFiles | SshsigFiles);

/** Only this module holds it, so only `open` can construct. */
const MAKER = Symbol("TrustedCatalog.open");

/**
 * A catalog whose signatures, roles, dates and version were checked. `open` is the one maker;
 * `isTrustedCatalog` tells a real one from a look-alike.
 */
export class TrustedCatalog {
  readonly catalog: Catalog;
  /** The trust root the catalog was verified with; its role `audit` names the audit keys. */
  readonly root: TrustRoot;
  /** Lower-case hex SHA-256 of the catalog's bytes. */
  readonly sha256: string;
  readonly #image: Uint8Array;

  private constructor(maker: symbol, verified: VerifiedCatalog) {
    if (maker !== MAKER) {
      const message = "expected TrustedCatalog.open, got a call of the constructor";
      throw new GuardError("ARGUMENT_INVALID", message);
    }
    this.catalog = verified.catalog;
    this.root = verified.root;
    this.sha256 = verified.sha256;
    this.#image = verified.image;
    Object.freeze(this);
  }

  /**
   * Verifies a signed catalog and remembers its version; see 10-catalog section 3 for the order.
   *
   * Everything is copied before the first check. There is no trust on first use: the root is the
   * caller's, and with `rootPin` the first root must have that digest. A chain without pin and
   * state is verified from its first element, which the caller then vouches for.
   *
   * @throws {GuardError} the first check that fails: CATALOG_*, ROOT_*, STATE_CORRUPT,
   *   IMAGE_LIMIT; ARGUMENT_INVALID when an option is malformed. Nothing is remembered then.
   * @example
   * const expectId = "acme-agents";
   * const trusted = await TrustedCatalog.open({ envelope, root, rootPin, expectId });
   */
  static async open(options: OpenOptions): Promise<TrustedCatalog> {
    const { root, rootPin, state: store, expectId, minVersion, clock = systemClock } = options;
    const signed = copySigned(options);
    const files = isFileContent(root) ? [root] : root;
    if (!Array.isArray(files)) {
      throw new GuardError("ROOT_CHAIN", "expected a trust root or an array of them, got neither");
    }
    const roots = files.map((file: FileContent) => copyContent(file, "ROOT_SYNTAX"));
    const state = await store?.load();
    const nowMs = clock();
    const input = { signed, roots, rootPin, state, expectId, minVersion, nowMs };
    const report = await verifyCatalogLater(input);
    if (!report.ok) throw report.error;
    await store?.save(report.verified.state);
    return new TrustedCatalog(MAKER, report.verified);
  }

  /** True for what `open` returned, and for nothing else. */
  static isTrusted(value: unknown): value is TrustedCatalog {
    return typeof value === "object" && value !== null && #image in value;
  }

  get id(): string {
    return this.catalog.id;
  }

  get version(): number {
    return this.catalog.version;
  }

  /** ms since the epoch; `now >= expiresAt` is expired. */
  get expiresAt(): number {
    return this.catalog.expiresMs;
  }

  get servers(): ReadonlyMap<string, CatalogServer> {
    return this.catalog.servers;
  }

  /** A copy of the compiled catalog; the original cannot be reached. */
  get image(): Uint8Array {
    return this.#image.slice();
  }
}

/** True for what `TrustedCatalog.open` returned, and for nothing else. */
export function isTrustedCatalog(value: unknown): value is TrustedCatalog {
  return TrustedCatalog.isTrusted(value);
}

/**
 * Refuses a look-alike: only what `TrustedCatalog.open` made was verified.
 *
 * @throws {GuardError} ARGUMENT_INVALID
 */
export function assertTrusted(value: unknown): asserts value is TrustedCatalog {
  if (isTrustedCatalog(value)) return;
  throw new GuardError("ARGUMENT_INVALID", "expected a catalog of TrustedCatalog.open");
}

function copySigned(options: OpenOptions): SignedCatalog {
  const { envelope, toml, signatures } = options;
  if (envelope !== undefined) {
    if (toml !== undefined || signatures !== undefined) {
      const message = "expected one form of signature, got an envelope and OpenSSH files together";
      throw new GuardError("CATALOG_ENVELOPE", message);
    }
    return { envelope: copyContent(envelope, "CATALOG_ENVELOPE") };
  }
  if (toml === undefined || !Array.isArray(signatures)) {
    const message = "expected an envelope, or a catalog with OpenSSH signatures, got neither";
    throw new GuardError("CATALOG_ENVELOPE", message);
  }
  const copies = signatures.map((file: FileContent) => copyContent(file, "CATALOG_ENVELOPE"));
  return { toml: copyContent(toml, "CATALOG_ENVELOPE"), signatures: copies };
}

function isFileContent(value: FileContent | readonly FileContent[]): value is FileContent {
  return typeof value === "string" || value instanceof Uint8Array;
}

/** WHY: the Uint8Array constructor always copies; `slice` may be overridden, as in Buffer. */
function copyContent(
  content: FileContent,
  code: "CATALOG_ENVELOPE" | "ROOT_SYNTAX",
): Uint8Array<ArrayBuffer> {
  if (content instanceof Uint8Array) return new Uint8Array(content);
  if (typeof content !== "string" || !isWellFormed(content)) {
    throw new GuardError(code, "expected a file as bytes or as well-formed text");
  }
  return utf8(content);
}
