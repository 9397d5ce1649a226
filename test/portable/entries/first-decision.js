// The time from the end of the import to the first decision, in ms: verify, compile, load, admit.
import { ScopeGuard, TrustedCatalog, Validator } from "portcullis";
import vectors from "./vectors.json" with { type: "json" };

const { root, envelope, nowMs, server, listing } = vectors.guard;
const clock = () => nowMs;
const start = performance.now();
const catalog = await TrustedCatalog.open({ root, envelope, clock });
const guard = ScopeGuard.fromCatalog(catalog, { clock });
guard.admit(new Validator(catalog).validate(server, listing));
const { outcome } = guard.check({ server, tool: "read_file" });
const ms = performance.now() - start;
if (outcome !== "allow") throw new Error(`expected an allow, got ${outcome}`);
console.log(JSON.stringify({ ms }));
