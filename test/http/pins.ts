// A catalog for a real server behind a URL, pinned in both eras.
import { utf8Text } from "../../src/bytes.ts";
import { TrustedCatalog } from "../../src/catalog/trusted.ts";
import { listHttpServer } from "../../src/http/http-list.ts";
import { fingerprintInstructions } from "../../src/manifest/fingerprint.ts";
import type { LiveManifest } from "../../src/proxy/manifest-client.ts";
import { catalogOf } from "../fixtures/catalog.ts";
import { rootSettings, signedCatalog, signedRoot } from "../fixtures/trust.ts";
import { ISSUED_MS } from "../fixtures/trust.ts";

/** A moment in which the fixture catalogs are in force. */
export const PINNED_NOW_MS: number = ISSUED_MS + 86_400_000;

export interface PinOptions {
  readonly serverId: string;
  /** The line that says how it is reached. */
  readonly reach: string;
  /** Name of a tool -> further keys of its table; what is not here is not pinned. */
  readonly tools: Readonly<Record<string, string>>;
  readonly serverKeys?: string;
  readonly rest?: string;
}

/** What a server says of itself in each era that it speaks. */
export async function manifestsOf(url: string): Promise<LiveManifest[]> {
  const target = { serverId: "pinned", url: new URL(url), settleMs: 0 };
  const found: LiveManifest[] = [];
  for (const era of ["legacy", "modern"] as const) {
    try {
      found.push(await listHttpServer({ ...target, era }));
    } catch {
      // a server of one era
    }
  }
  return found;
}

/** TOML that pins these tools as they are in every manifest. */
export function pinnedToml(manifests: readonly LiveManifest[], options: PinOptions): string {
  const { serverId, reach, tools, serverKeys = "", rest = "" } = options;
  const items = Object.entries(tools).map(([name, keys]) => {
    const digests = manifests.flatMap(
      (manifest) => manifest.tools.find((tool) => tool.name === name)?.fingerprint ?? [],
    );
    return `[servers.${serverId}.tools.${JSON.stringify(name)}]
fingerprint = ${JSON.stringify([...new Set(digests)])}
${keys}
`;
  });
  const instructions = manifests.flatMap((manifest) => manifest.instructions ?? [])[0];
  const text = `[servers.${serverId}]
${reach}
fingerprint = "@FP@"
max_allowed_scope = ["fs.read", "fs.write", "fs.delete", "net.fetch"]
${instructions === undefined ? "" : `instructions = "${fingerprintInstructions(instructions)}"`}
${serverKeys}
${items.join("")}
${rest}`;
  return utf8Text(catalogOf(text)) ?? "";
}

export function trustNow(toml: string): Promise<TrustedCatalog> {
  return TrustedCatalog.open({
    envelope: signedCatalog(toml),
    root: signedRoot(rootSettings()),
    clock: () => PINNED_NOW_MS,
  });
}
