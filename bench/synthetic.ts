// Catalogs larger than a signed one may be, up to what an image holds: the compiler is given what a parser
// would give it, and the kernel is told what a Validator would tell it.
import { ScopeGuard } from "portcullis";
import { LIMIT_NAME_BYTES } from "../esm/abi/limits.js";
import { fromHex } from "../esm/bytes.js";
import { compileImage } from "../esm/catalog/compile.js";
import type { CatalogItem, CatalogServer } from "../esm/catalog/types.js";
import { CardCatalog } from "../esm/guard/card-catalog.js";
import { KIND_CODES } from "../esm/manifest/listing.js";
import { makeCatalog, NOW_MS, openCatalog, plainTools } from "./catalogs.js";
import { type Bench, provenBench } from "./check.js";

const DIGEST_SIZE = 32;
/** What every tool is pinned to. */
const PIN = "ab".repeat(DIGEST_SIZE);

/** As `makeBench`, for up to 1 048 576 tools. */
export async function makeSyntheticBench(
  toolCount: number,
  toolsPerServer: number,
): Promise<Bench> {
  const { catalog: model } = await openCatalog(makeCatalog(1, 1));
  const [server] = model.servers.values();
  const [item] = server?.tools.values() ?? [];
  if (server === undefined || item === undefined) throw new Error("expected a catalog of one tool");
  const tools = plainTools(toolCount, toolsPerServer);
  const servers = new Map<string, CatalogServer>();
  for (let first = 0; first < toolCount; first += toolsPerServer) {
    const own = tools.slice(first, first + toolsPerServer);
    const id = own[0]?.server ?? "";
    const items = own.map(({ tool: name, isReadable }): [string, CatalogItem] => {
      const scope = isReadable ? ["fs.read"] : ["fs.write"];
      return [name, { ...item, name, scope, fingerprints: [`sha256:${PIN}`] }];
    });
    servers.set(id, { ...server, id, tools: new Map(items) });
  }
  const catalog = { ...model, servers };
  const image = compileImage(catalog, { catalogSha256: new Uint8Array(DIGEST_SIZE) });
  const cards = new CardCatalog(catalog, PIN, image);
  const guard = ScopeGuard.fromCards(cards, { clock: () => NOW_MS, messageSizeMax: 65_536 });
  admitEverything(guard, servers);
  return provenBench(guard, tools);
}

function admitEverything(guard: ScopeGuard, servers: ReadonlyMap<string, CatalogServer>): void {
  const { guard: own } = ScopeGuard.partsOf(guard);
  const { kernel } = own;
  const digest = fromHex(PIN) ?? new Uint8Array(DIGEST_SIZE);
  for (const [id, { tools }] of servers) {
    const index = own.bind(id);
    kernel.exports.beginAdmission(index);
    for (const name of tools.keys()) {
      kernel.bytes.set(digest, kernel.digestAt);
      const size = own.writeName(name, LIMIT_NAME_BYTES);
      kernel.exports.admitItem(index, KIND_CODES.tool, size);
    }
    kernel.exports.finishAdmission(index, 0);
  }
}
