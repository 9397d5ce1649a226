// One cold boot: `node boot-process.js <folder> <root pin> <server> <tool>`; prints BootTimes.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { ScopeGuard, TrustedCatalog, Validator } from "portcullis";
import {
  DIGEST_SIZE,
  HEADER_OFFSET_DIGEST_COUNT,
  HEADER_OFFSET_ITEM_COUNT,
  HEADER_OFFSET_NAMES_SIZE,
} from "../esm/abi/layout.js";
import type { BootTimes } from "./boot.js";
import { NOW_MS } from "./catalogs.js";

const [folder = "", rootPin = "", server = "", tool = ""] = process.argv.slice(2);
const root = readFileSync(join(folder, "root.dsse.json"));
const envelope = readFileSync(join(folder, "catalog.dsse.json"));
const manifest = readFileSync(join(folder, "manifest.json"));
const clock = (): number => NOW_MS;

const start = performance.now();
const catalog = await TrustedCatalog.open({ root, rootPin, envelope, clock });
const verified = performance.now();
const guard = ScopeGuard.fromCatalog(catalog, { clock });
const loaded = performance.now();

guard.admit(new Validator(catalog).validate(server, manifest));
const { image } = catalog;
const header = new DataView(image.buffer, image.byteOffset);
const digestsSize = header.getUint32(HEADER_OFFSET_DIGEST_COUNT, true) * DIGEST_SIZE;
const times: BootTimes = {
  verifyMs: verified - start,
  loadMs: loaded - verified,
  tableSize:
    image.length -
    header.getUint32(HEADER_OFFSET_NAMES_SIZE, true) -
    digestsSize +
    header.getUint32(HEADER_OFFSET_ITEM_COUNT, true),
  answers: [tool, `${tool}x`].map((name) => guard.check({ server, tool: name }).reason),
};
process.stdout.write(JSON.stringify(times));
