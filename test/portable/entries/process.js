// Node, Deno and Bun: the report goes to stdout.
import { conformance } from "./conformance.js";
import vectors from "./vectors.json" with { type: "json" };

// Deno runs this without a single permission, or not at all
const names = ["read", "write", "net", "env", "run", "ffi", "sys"];
const { permissions } = globalThis.Deno ?? {};
const granted = names.filter((name) => permissions?.querySync({ name }).state === "granted");
if (granted.length > 0) throw new Error(`expected no permission, got ${granted.join(" ")}`);

console.log(JSON.stringify(await conformance(vectors)));
