// Decisions in Bun. bun examples/bun/main.js HOME LISTING.json
import process from "node:process";
import { decideCalls } from "../decide.js";

const [home, listingFile] = process.argv.slice(2);
const text = (name) => Bun.file(`${home}/${name}`).text();
const rootPin = /^root_pin = "sha256:([0-9a-f]{64})"$/m.exec(await text("config.toml"))?.[1];
const trust = {
  envelope: await text("catalog.dsse.json"),
  root: await text("root.1.dsse.json"),
  rootPin,
};
const listing = await Bun.file(listingFile).text();
for (const line of await decideCalls(trust, listing)) console.log(line);
