// The catalogs and kernels that records name, verified again, ready to decide.
import { toHex } from "../bytes.ts";
import { ImageNames } from "../catalog/image-names.ts";
import { parseRoot, ROOT_PAYLOAD_TYPE } from "../catalog/root.ts";
import { verifyCatalog } from "../catalog/verify.ts";
import type { SignedCatalog } from "../catalog/verify-checks.ts";
import { GuardError } from "../errors.ts";
import { sha256 } from "../kernel/digest.ts";
import { KERNEL_SHA256 } from "../kernel/module.ts";
import { ReplayKernel } from "../kernel/replay-kernel.ts";
import { parseEnvelope } from "../sign/dsse.ts";
import { envelopeObject, kernelObject, tomlObject } from "./evidence.ts";
import { type AuditFinding, finding } from "./finding.ts";
import type { AuditRecord } from "./record.ts";

/** What a record names by digest: a `Map` of name -> bytes, or a folder. */
export interface AuditObjects {
  get(name: string): Uint8Array | undefined;
  keys(): Iterable<string>;
}

/** A kernel with a catalog in it. */
export interface ReplayCatalog {
  readonly kernel: ReplayKernel;
  readonly names: ImageNames;
}

/** Chains tried, where several roots of one version are kept. */
const CHAINS_MAX = 64;
const ENVELOPE_NAME = /^([0-9a-f]{64})\.dsse\.json$/;

interface KeptRoot {
  readonly version: number;
  readonly sha256: string;
  readonly bytes: Uint8Array;
}

/** Opens catalogs once for each time that the log changes to one. */
export class ReplayCatalogs {
  readonly #objects: AuditObjects;
  readonly #rootPin: string | undefined;
  readonly #opened = new Map<string, ReplayCatalog | AuditFinding>();
  #roots: readonly KeptRoot[] | undefined;

  /** @param rootPin hex SHA-256 of the first root's payload; without it the objects vouch for it */
  constructor(objects: AuditObjects, rootPin: string | undefined) {
    this.#objects = objects;
    this.#rootPin = rootPin;
  }

  /**
   * The catalog and the kernel of a record, verified with the clock of the first record that names
   * them.
   */
  open(origin: string, record: AuditRecord): ReplayCatalog | AuditFinding {
    const key = `${record.catalogSha256} ${record.rootSha256} ${record.kernelSha256}`;
    const known = this.#opened.get(key);
    if (known !== undefined) return known;
    const opened = this.#open(origin, record);
    this.#opened.set(key, opened);
    return opened;
  }

  #open(origin: string, record: AuditRecord): ReplayCatalog | AuditFinding {
    const { seq, kernelSha256 } = record;
    const wasm = kernelSha256 === KERNEL_SHA256 ? undefined : this.#kernel(kernelSha256);
    if (wasm === null) {
      const message = `expected the kernel ${kernelSha256} among the objects, got none or another`;
      return finding("AUDIT_KERNEL", origin, message, seq);
    }
    const image = this.#image(origin, record);
    if (!(image instanceof Uint8Array)) return image;
    try {
      return { kernel: new ReplayKernel(wasm, image), names: new ImageNames(image) };
    } catch (fault) {
      if (!(fault instanceof GuardError)) throw fault;
      return finding("AUDIT_KERNEL", origin, fault.message, seq);
    }
  }

  /** Bytes of a kernel with that digest; `null` for none. */
  #kernel(digest: string): Uint8Array | null {
    const bytes = this.#objects.get(kernelObject(digest));
    return bytes === undefined || toHex(sha256(bytes)) !== digest ? null : bytes;
  }

  #image(origin: string, record: AuditRecord): Uint8Array | AuditFinding {
    const { catalogSha256, rootSha256, timeMs, seq } = record;
    const signed = this.#signed(catalogSha256);
    if (signed === undefined) {
      const message = `expected the catalog ${catalogSha256} among the objects, got none`;
      return finding("AUDIT_CATALOG", origin, message, seq);
    }
    const chains = this.#chains(rootSha256);
    let why = `expected the trust root ${rootSha256} among the objects, got none`;
    for (const roots of chains) {
      const report = verifyCatalog({ signed, roots, rootPin: this.#rootPin, nowMs: timeMs });
      if (report.ok && report.verified.sha256 === catalogSha256) return report.verified.image;
      why = report.ok
        ? `expected the catalog ${catalogSha256} under its name, got ${report.verified.sha256}`
        : `expected a catalog to be trusted then, got ${report.error.code}: ${report.error.message}`;
    }
    return finding("AUDIT_CATALOG", origin, why, seq);
  }

  #signed(digest: string): SignedCatalog | undefined {
    const envelope = this.#objects.get(envelopeObject(digest));
    if (envelope !== undefined) return { envelope };
    const name = tomlObject(digest);
    const toml = this.#objects.get(name);
    if (toml === undefined) return undefined;
    const signatures = [...this.#objects.keys()]
      .filter((one) => one.startsWith(`${name}.`) && one.endsWith(".sig"))
      .sort()
      .map((one) => this.#objects.get(one))
      .filter((bytes) => bytes !== undefined);
    return { toml, signatures };
  }

  /** Chains that end with the root of that digest; one, unless two roots share a version. */
  #chains(digest: string): readonly (readonly Uint8Array[])[] {
    this.#roots ??= [...this.#keptRoots()];
    const last = this.#roots.find((root) => root.sha256 === digest);
    if (last === undefined) return [];
    let chains: (readonly Uint8Array[])[] = [[last.bytes]];
    for (let version = last.version - 1; version >= 1; version--) {
      const candidates = this.#roots.filter((root) => root.version === version);
      if (candidates.length === 0) break;
      chains = candidates
        .flatMap(({ bytes }) => chains.map((chain) => [bytes, ...chain]))
        .slice(0, CHAINS_MAX);
    }
    return chains;
  }

  *#keptRoots(): Generator<KeptRoot> {
    for (const name of this.#objects.keys()) {
      if (!ENVELOPE_NAME.test(name)) continue;
      const root = keptRoot(this.#objects.get(name));
      if (root !== undefined) yield root;
    }
  }
}

function keptRoot(bytes: Uint8Array | undefined): KeptRoot | undefined {
  if (bytes === undefined) return undefined;
  try {
    const { payloadType, payload } = parseEnvelope(bytes);
    if (payloadType !== ROOT_PAYLOAD_TYPE) return undefined;
    const { version, sha256: digest } = parseRoot(payload);
    return { version, sha256: digest, bytes };
  } catch (fault) {
    if (fault instanceof GuardError) return undefined;
    throw fault;
  }
}
