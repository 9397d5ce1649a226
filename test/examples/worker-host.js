// A process of its own for miniflare, which needs a newer Node than the tests: serves the Worker that its
// one argument describes, says where, and ends with its parent.
import { pathToFileURL } from "node:url";

const { miniflare, worker } = JSON.parse(process.argv[2]);
const { Miniflare } = await import(pathToFileURL(miniflare).href);
const server = new Miniflare({ host: "127.0.0.1", port: 0, cf: false, ...worker });
const url = await server.ready;
process.stdout.write(`${JSON.stringify({ url: url.origin })}\n`);
process.stdin.on("end", () => void server.dispose().then(() => process.exit(0)));
process.stdin.resume();
