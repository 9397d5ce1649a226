// A guard behind node:http, made from the library: what `portcullis serve` does, in one's own process.
// ROOT_PIN=... TOKEN_SHA256=... node examples/node-http/main.js HOME [PORT]
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { TrustedCatalog } from "portcullis";
import { createGuardHandler } from "portcullis/http";
import {
  childLinks,
  createNodeServer,
  FileTrustState,
  nodeFetch,
  openSqliteStore,
} from "portcullis/node";

const [home, port = "8787"] = process.argv.slice(2);
const { ROOT_PIN, TOKEN_SHA256 } = process.env;
if (home === undefined || ROOT_PIN === undefined || TOKEN_SHA256 === undefined) {
  console.error("expected ROOT_PIN=... TOKEN_SHA256=... node main.js HOME [PORT]");
  process.exit(2);
}

const versionOf = (name) => Number(/^root\.(\d+)\.dsse\.json$/.exec(name)?.[1]);
const catalog = await TrustedCatalog.open({
  envelope: readFileSync(join(home, "catalog.dsse.json")),
  root: readdirSync(home)
    .filter((name) => versionOf(name) > 0)
    .sort((a, b) => versionOf(a) - versionOf(b))
    .map((name) => readFileSync(join(home, name))),
  rootPin: ROOT_PIN.replace(/^sha256:/, ""),
  state: new FileTrustState(join(home, "state.json")),
});

const store = await openSqliteStore(join(home, "state.db"));
const guard = createGuardHandler({
  catalog,
  store,
  auth: { tokens: [{ sha256: TOKEN_SHA256, principal: "agent:ci" }] },
  env: process.env,
  fetch: nodeFetch(),
  startCommand: childLinks(),
  onRecord: (record) => {
    if (record.outcome !== "allow") console.error(JSON.stringify(record));
  },
});
const server = createNodeServer(guard).listen(Number(port), "127.0.0.1");
await once(server, "listening");
for (const id of catalog.servers.keys()) {
  console.log(`http://127.0.0.1:${server.address().port}/mcp/${id}`);
}

await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
guard.close();
server.closeAllConnections();
server.close();
store.close();
