// A project that has the packed package installed, with the conformance module and the vectors.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { REPOSITORY } from "./runtimes.js";

const HERE = join(REPOSITORY, "test/portable");
const WYCHEPROOF = join(REPOSITORY, "../shared/data/wycheproof-ed25519_test.json");

/** The registry did not give the package's dependencies: a machine without a network. */
export class NotInstallable extends Error {}

/** npm in a folder of its own, without what an outer `npm run` has set. */
function npm(folder, ...args) {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.toLowerCase().startsWith("npm_")),
  );
  const options = { cwd: folder, env, encoding: "utf8", timeout: 120_000 };
  const { status, stdout, stderr, error } = spawnSync("npm", args, options);
  if (status === 0) return stdout;
  throw new Error(
    `npm ${args[0]}: ${error?.message ?? stderr.trim().split("\n").slice(-3).join(" ")}`,
  );
}

/** Leaves `portcullis` to the host, and turns `../../src/` into the installed package's folder. */
const installedPackage = {
  name: "installed-package",
  setup({ onResolve }) {
    onResolve({ filter: /^portcullis$/ }, ({ path }) => ({ path, external: true }));
    onResolve({ filter: /^\.\.\/\.\.\/src\// }, ({ path }) => ({
      path: path.replace("../../src/", "./node_modules/portcullis/build/esm/").replace(/ts$/, "js"),
      external: true,
    }));
  },
};

async function makeVectors() {
  // beside the sources, so that it finds their packages
  const outfile = join(REPOSITORY, `build/portable-vectors-${process.pid}.mjs`);
  try {
    await build({
      entryPoints: [join(HERE, "make-vectors.ts")],
      outfile,
      bundle: true,
      format: "esm",
      platform: "node",
      packages: "external",
      logLevel: "warning",
    });
    const vectors = await import(pathToFileURL(outfile));
    const folder = join(REPOSITORY, "test/vectors");
    return vectors.makeVectors(folder, existsSync(WYCHEPROOF) ? WYCHEPROOF : undefined);
  } finally {
    rmSync(outfile, { force: true });
  }
}

/**
 * Packs the package and installs it; the caller removes the folder.
 *
 * @param fill what else the project has; gets the folder
 * @returns the folder
 * @throws {NotInstallable} when its dependencies cannot be had; any other error is a failure
 */
export async function installPackage(fill) {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-portable-"));
  try {
    const packed = npm(REPOSITORY, "pack", "--json", "--pack-destination", folder);
    const [{ filename }] = JSON.parse(packed);
    writeFileSync(join(folder, "package.json"), '{"type":"module","private":true}');
    const switches = ["--no-audit", "--no-fund", "--no-package-lock", "--prefer-offline"];
    try {
      // an optional dependency would be compiled, and a neutral host has no use for it
      npm(folder, "install", "--prefix", folder, ...switches, "--omit=optional", `./${filename}`);
    } catch ({ message }) {
      throw new NotInstallable(message);
    }
    await fill(folder);
    return folder;
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

/** `installPackage` with the conformance module, its vectors and the hosts' entries. */
export function makeConsumer() {
  return installPackage(async (folder) => {
    await build({
      entryPoints: [join(HERE, "conformance.ts")],
      outfile: join(folder, "conformance.js"),
      bundle: true,
      format: "esm",
      target: "es2022",
      plugins: [installedPackage],
      logLevel: "warning",
    });
    writeFileSync(join(folder, "vectors.json"), JSON.stringify(await makeVectors()));
    cpSync(join(HERE, "entries"), folder, { recursive: true });
  });
}
