// Bundles the page. node examples/browser/build.js FILES.json OUT
//
// FILES.json is of `examples/make-files.js`. Serve OUT with this policy, which the page needs no more than:
// default-src 'none'; connect-src 'self'; style-src 'self'; script-src 'self' 'wasm-unsafe-eval'
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const [files, out] = process.argv.slice(2);
mkdirSync(out, { recursive: true });
await build({
  entryPoints: [join(HERE, "page.js")],
  outfile: join(out, "page.js"),
  bundle: true,
  minify: true,
  format: "esm",
  platform: "browser",
  logLevel: "warning",
});
for (const name of ["index.html", "style.css"]) copyFileSync(join(HERE, name), join(out, name));
copyFileSync(files, join(out, "files.json"));
process.stdout.write(`${out}: serve it as it is\n`);
