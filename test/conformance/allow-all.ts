// A catalog that allows everything a live server offers, pinned as it is in both eras.
import { utf8Text } from "../../src/bytes.ts";
import type { LiveManifest } from "../../src/proxy/manifest-client.ts";
import { catalogOf, HEAD } from "../fixtures/catalog.ts";
import { manifestsOf } from "../http/pins.ts";
import { ALLOW_ALL } from "../proxy/rig.ts";

export const SERVER_ID = "fixture";

const TABLES = [
  ["tools", "tools"],
  ["prompts", "prompts"],
  ["resources", "resources"],
  ["resource_templates", "resourceTemplates"],
] as const;

/** A method of no revision, which a scenario sends to see whether the server says so. */
const UNKNOWN_METHOD = "unknown/method";

/**
 * A catalog with every feature, whose one server is at `url`.
 *
 * @param head the text before its first table; default that of the other tests
 */
export async function allowAllToml(url: string, head: string = HEAD): Promise<string> {
  const manifests = await manifestsOf(url);
  if (manifests.length !== 2) throw new Error(`expected both eras, got ${manifests.length}`);
  const items = TABLES.flatMap(([table, member]) =>
    [...pinsOf(manifests, member)].map(
      ([name, fingerprints]) => `[servers.${SERVER_ID}.${table}.${JSON.stringify(name)}]
fingerprint = ${JSON.stringify([...fingerprints])}
scope = ["fs.read"]
effect = "read"
`,
    ),
  );
  const text = `[servers.${SERVER_ID}]
url = ${JSON.stringify(url)}
fingerprint = "@FP@"
max_allowed_scope = ["fs.read"]
allow = ${JSON.stringify(ALLOW_ALL)}
methods = ${JSON.stringify([UNKNOWN_METHOD])}
${items.join("")}`;
  return utf8Text(catalogOf(text, head)) ?? "";
}

/** Name of an item -> its fingerprints, one an era where they differ. */
function pinsOf(
  manifests: readonly LiveManifest[],
  member: (typeof TABLES)[number][1],
): Map<string, Set<string>> {
  const pins = new Map<string, Set<string>>();
  for (const manifest of manifests) {
    for (const { name, fingerprint } of manifest[member]) {
      if (name === undefined || fingerprint === undefined) {
        throw new Error(`expected definitions that can be read, got another for ${name}`);
      }
      pins.set(name, (pins.get(name) ?? new Set()).add(fingerprint));
    }
  }
  return pins;
}
