// Signed catalogs of any size, with the manifests that admit every tool of them.
import { type ScopeGuard, TrustedCatalog, Validator } from "portcullis";
import { toHex, utf8 } from "../esm/bytes.js";
import { ROOT_PAYLOAD_TYPE } from "../esm/catalog/root.js";
import { createRoot } from "../esm/catalog/root-text.js";
import { CATALOG_PAYLOAD_TYPE } from "../esm/catalog/verify-checks.js";
import { sha256 } from "../esm/kernel/digest.js";
import { serverFingerprintOfPins } from "../esm/manifest/fingerprint.js";
import { readManifest } from "../esm/manifest/read.js";
import { createEnvelope, serializeEnvelope } from "../esm/sign/dsse.js";
import { PrivateKey } from "../esm/sign/keys.js";

/** One tool of a generated catalog, as plain data: the truth that every answer is held against. */
export interface PlainTool {
  readonly server: string;
  readonly tool: string;
  /** Its scope is `fs.read`; otherwise it is `fs.write`. */
  readonly isReadable: boolean;
}

export interface SignedFiles {
  /** The trust root's envelope. */
  readonly root: Uint8Array;
  /** Lower-case hex SHA-256 of the root's payload. */
  readonly rootPin: string;
  /** The catalog's envelope. */
  readonly envelope: Uint8Array;
}

export interface BenchCatalog extends SignedFiles {
  readonly tools: readonly PlainTool[];
  /** Server id -> its tools/list result as JSON. */
  readonly manifests: ReadonlyMap<string, string>;
}

/** The time every benchmark runs at. */
export const NOW_MS: number = Date.UTC(2026, 11, 1);

export const TOOLS_PER_SERVER = 20;
const KEY_COUNT = 5;
const SIGNER_COUNT = 3;
/** Every so many tools one is not readable: refused calls are part of the measured mix. */
const WRITE_EVERY = 16;
const VERBS = ["read", "list", "search", "create", "update", "fetch", "export", "resolve"];
const NOUNS = ["text_file", "pull_request", "issue_comments", "calendar_event", "table_rows"];
const VENDORS = ["filesystem", "issue-tracker", "chat-archive", "warehouse", "browser"];

function toolAt(index: number, toolsPerServer: number): PlainTool {
  const server = Math.floor(index / toolsPerServer);
  const vendor = VENDORS[server % VENDORS.length];
  const verb = VERBS[index % VERBS.length];
  const noun = NOUNS[(index >> 3) % NOUNS.length];
  return {
    server: `${vendor}-${server}`,
    tool: `${verb}_${noun}_${index}`,
    isReadable: index % WRITE_EVERY !== WRITE_EVERY - 1,
  };
}

/** The tools of a generated catalog; the same counts give the same tools. */
export function plainTools(toolCount: number, toolsPerServer: number): PlainTool[] {
  return Array.from({ length: toolCount }, (_, index) => toolAt(index, toolsPerServer));
}

export interface CatalogOptions {
  /** Of every tool. */
  readonly inputSchema?: object;
  /** Keys of the trust root. */
  readonly keyCount?: number;
  /** How many of them sign, and have to. */
  readonly signerCount?: number;
}

/** Makes and signs a catalog of `toolCount` tools. The same counts give the same bytes. */
export function makeCatalog(
  toolCount: number,
  toolsPerServer: number,
  options: CatalogOptions = {},
): BenchCatalog {
  const { inputSchema = { type: "object" } } = options;
  const tools = plainTools(toolCount, toolsPerServer);
  const manifests = new Map<string, string>();
  const sections: string[] = [];
  for (let first = 0; first < toolCount; first += toolsPerServer) {
    const ofServer = tools.slice(first, first + toolsPerServer);
    const id = ofServer[0]?.server ?? "";
    const manifest = JSON.stringify({
      tools: ofServer.map(({ tool }) => ({ name: tool, inputSchema })),
    });
    manifests.set(id, manifest);
    sections.push(serverText(id, ofServer, manifest));
  }
  return { tools, manifests, ...signFiles(sections.join(""), options) };
}

function serverText(id: string, tools: readonly PlainTool[], manifest: string): string {
  const live = readManifest(manifest).tools;
  const pins = new Map(live.map(({ name, fingerprint }) => [name ?? "", fingerprint ?? ""]));
  const nothing = new Map<string, string>();
  const fingerprint = serverFingerprintOfPins({
    tools: pins,
    prompts: nothing,
    resources: nothing,
    resourceTemplates: nothing,
    instructions: undefined,
  });
  const items = tools.map(({ tool, isReadable }) => {
    const [scope, effect] = isReadable ? ["fs.read", "read"] : ["fs.write", "write"];
    const pin = `fingerprint = "${pins.get(tool) ?? ""}"`;
    return `[servers.${id}.tools.${tool}]\n${pin}\nscope = ["${scope}"]\neffect = "${effect}"\n`;
  });
  const head = `[servers.${id}]\ncommand = ["node", "server.js"]\nfingerprint = "${fingerprint}"\n`;
  return `${head}max_allowed_scope = ["fs.read", "fs.write"]\n${items.join("")}`;
}

/** Signs a catalog of these server sections with keys of its own trust root. */
function signFiles(sections: string, options: CatalogOptions): SignedFiles {
  const { keyCount = KEY_COUNT, signerCount = SIGNER_COUNT } = options;
  const seeds = Array.from({ length: keyCount }, (_, index) => new Uint8Array(32).fill(7 + index));
  const keys = seeds.map((seed) => new PrivateKey(seed));
  const names = keys.map((_, index) => `operator-${index + 1}`);
  const rootText = createRoot({
    version: 1,
    expiresMs: Date.UTC(2028, 0, 1),
    catalogVersionFloor: 1,
    keys: new Map(keys.map(({ publicKey }, index) => [names[index] ?? "", publicKey])),
    roles: {
      root: { keys: names, threshold: signerCount },
      catalog: { keys: names, threshold: signerCount, maxLifetimeDays: 120 },
    },
  });
  const head = `schema = 1\nid = "bench"\nversion = 1\nissued = 2026-11-20T00:00:00Z\nexpires = 2027-02-20T00:00:00Z\n`;
  const sign = (type: string, text: string): Uint8Array =>
    utf8(serializeEnvelope(createEnvelope(type, utf8(text), keys.slice(0, signerCount))));
  return {
    root: sign(ROOT_PAYLOAD_TYPE, rootText),
    rootPin: toHex(sha256(utf8(rootText))),
    envelope: sign(CATALOG_PAYLOAD_TYPE, head + sections),
  };
}

/** Verifies and compiles. */
export function openCatalog(files: SignedFiles): Promise<TrustedCatalog> {
  const { root, rootPin, envelope } = files;
  return TrustedCatalog.open({ root, rootPin, envelope, clock: () => NOW_MS });
}

/** Admits every server of the catalog. */
export function admitAll(guard: ScopeGuard, trusted: TrustedCatalog, catalog: BenchCatalog): void {
  const validator = new Validator(trusted);
  for (const [id, manifest] of catalog.manifests) {
    const report = validator.validate(id, manifest);
    if (!report.ok) throw new Error(`expected an admitted server, got ${report.reason} for ${id}`);
    guard.admit(report);
  }
}
