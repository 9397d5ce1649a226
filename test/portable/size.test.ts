// What the package costs a page: bytes of the core bundle, and what importing it does.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { afterAll, describe, expect, it } from "vitest";

// WHY: of its 59 KB the kernel is 20, the reading and compiling of catalogs 14, Ed25519 12, TOML 4
const BUNDLE_GZIP_MAX = 60 * 1024;
/** A catalog that is verified, a manifest that is admitted, a call that is checked. */
const CORE = ["TrustedCatalog", "Validator", "ScopeGuard"];

interface Bundle {
  /** Bytes, minified and compressed as a server does it. */
  readonly gzipSize: number;
  /** Files of which something is left, from the repository's root. */
  readonly files: readonly string[];
}

/** What a page gets that imports `names` from the root export. */
async function bundleOf(names: readonly string[]): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: `export { ${names.join(", ")} } from "portcullis";`, resolveDir: "." },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
  });
  const [output] = Object.values(metafile.outputs);
  const inputs = Object.entries(output?.inputs ?? {});
  return {
    gzipSize: gzipSync(outputFiles[0]?.contents ?? "", { level: 9 }).length,
    files: inputs
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([path]) => relative(".", resolve(path))),
  };
}

describe("the core bundle", () => {
  it("is small, and the kernel is in it", async () => {
    const { gzipSize, files } = await bundleOf(CORE);
    expect(files).toContain("build/kernel/kernel.js");
    expect(gzipSize).toBeGreaterThan(20 * 1024);
    expect(gzipSize).toBeLessThanOrEqual(BUNDLE_GZIP_MAX);
  });

  it("has nothing of the gateway, vetting, schemas, stores, audit or the editor of catalogs", async () => {
    const { files } = await bundleOf(CORE);
    const strange =
      /kernel\/patterns|esm\/(vetting|audit|store|proxy|cli|testing)\/|toml-eslint|@cfworker/;
    expect(files.filter((path) => strange.test(path))).toEqual([]);
    const layers =
      /guard\/(gateway|engine|grants|consent|lease|identity|schema|policy|compile-cards)/;
    expect(files.filter((path) => layers.test(path))).toEqual([]);
    // what the patterns look for is there when it is asked for
    const all = await bundleOf([...CORE, "MCPGateway"]);
    expect(all.files.some((path) => strange.test(path))).toBe(true);
    expect(all.files.some((path) => layers.test(path))).toBe(true);
  });

  it("a name that needs no kernel comes without it", async () => {
    const { files } = await bundleOf(["REASONS", "GuardError"]);
    expect(files.filter((path) => path.startsWith("build/kernel/"))).toEqual([]);
  });
});

describe("import", () => {
  const folder = mkdtempSync(join(tmpdir(), "portcullis-import-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const effectsOf = (path: string): unknown =>
    JSON.parse(
      execFileSync(process.execPath, ["test/portable/import-effects.js", path]).toString(),
    );

  it("compiles nothing, reads no clock, starts nothing, leaves nothing behind", () => {
    expect(effectsOf("build/esm/index.js")).toEqual([]);
  });

  it("that does any of it would be seen", () => {
    const path = join(folder, "noisy.mjs");
    writeFileSync(
      path,
      `new WebAssembly.Memory({ initial: 1 }); Date.now(); Math.random(); performance.now();
crypto.randomUUID(); crypto.getRandomValues(new Uint8Array(1)); setTimeout(() => {}, 0);
process.getBuiltinModule?.("node:fs"); globalThis.left = 1; Array.prototype.mine = 2;`,
    );
    expect(effectsOf(path)).toEqual([
      "new Memory",
      "now",
      "random",
      "now",
      "randomUUID",
      "getRandomValues",
      "setTimeout",
      "getBuiltinModule",
      "added left",
      "added mine",
    ]);
  });
});
