// One first decision: `node decision-process.js <files.json>`; prints milliseconds since the import.
import { readFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { ScopeGuard, TrustedCatalog, Validator } from "portcullis";
import type { DecisionFiles } from "./decision.js";

const files: DecisionFiles = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8"));
const { root, rootPin, envelope, server, tool, listing } = files;
const clock = (): number => files.nowMs;

const start = performance.now();
const catalog = await TrustedCatalog.open({ root, rootPin, envelope, clock });
const guard = ScopeGuard.fromCatalog(catalog, { clock });
guard.admit(new Validator(catalog).validate(server, listing));
const { outcome } = guard.check({ server, tool });
const ms = performance.now() - start;
if (outcome !== "allow") throw new Error(`expected an allow, got ${outcome}`);
process.stdout.write(String(ms));
