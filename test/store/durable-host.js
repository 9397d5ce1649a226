// A process of its own for miniflare, which needs a newer Node than the tests: serves the Workers that
// its one argument describes, says where, and ends with its parent.
import { pathToFileURL } from "node:url";

const { miniflare, front, isolate, isolates, kernel, persist, root } = JSON.parse(process.argv[2]);
const { Miniflare } = await import(pathToFileURL(miniflare).href);

const COMPATIBILITY_DATE = "2026-07-01";
const modules = (path) => [
  { type: "ESModule", path },
  { type: "CompiledWasm", path: kernel },
];
const names = Array.from({ length: isolates }, (_, index) => `isolate-${index}`);
const store = { className: "PortcullisStore", useSQLite: true };
const server = new Miniflare({
  host: "127.0.0.1",
  port: 0,
  cf: false,
  durableObjectsPersist: persist,
  workers: [
    {
      name: "front",
      compatibilityDate: COMPATIBILITY_DATE,
      modules: modules(front),
      modulesRoot: root,
      durableObjects: { STORE: store },
      serviceBindings: Object.fromEntries(names.map((name, index) => [`ISOLATE_${index}`, name])),
    },
    ...names.map((name) => ({
      name,
      compatibilityDate: COMPATIBILITY_DATE,
      modules: modules(isolate),
      modulesRoot: root,
      durableObjects: { STORE: { ...store, scriptName: "front" } },
    })),
  ],
});
const url = await server.ready;
process.stdout.write(`${JSON.stringify({ url: url.origin })}\n`);
process.stdin.on("end", () => void server.dispose().then(() => process.exit(0)));
process.stdin.resume();
