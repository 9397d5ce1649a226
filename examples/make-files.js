// One JSON file of what an agent without a file system needs: the signed files, the pin of the root, and a
// tools/list result. Nothing in it is secret.
//
// node examples/make-files.js HOME LISTING.json OUT.json
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

const [home, listing, out] = process.argv.slice(2);
const text = (name) => readFileSync(join(home, name), "utf8");
const rootPin = /^root_pin = "sha256:([0-9a-f]{64})"$/m.exec(text("config.toml"))?.[1];
const trust = { envelope: text("catalog.dsse.json"), root: text("root.1.dsse.json"), rootPin };
writeFileSync(out, JSON.stringify({ trust, listing: readFileSync(listing, "utf8") }));
