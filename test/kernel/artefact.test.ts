// The kernel as it is shipped: no imports, small, reproducible, and the one that is named.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { instantiateSync } from "@assemblyscript/loader";
import { describe, expect, it } from "vitest";
import { isKernelExports } from "../../src/kernel/exports.ts";
import { KERNEL_SHA256 } from "../../src/kernel/module.ts";

const wasm = readFileSync("build/kernel/kernel.wasm");

describe("kernel artefact", () => {
  it("has no imports and exports the ABI by name, nothing else", () => {
    const module = new WebAssembly.Module(wasm);
    expect(WebAssembly.Module.imports(module)).toEqual([]);
    const instance = new WebAssembly.Instance(module);
    expect(isKernelExports(instance.exports)).toBe(true);
    const source = readFileSync("src/kernel/exports.ts", "utf8");
    for (const { name } of WebAssembly.Module.exports(module)) {
      expect(name === "memory" || source.includes(`${name}: true`), name).toBe(true);
    }
  });

  it("is loaded by AssemblyScript's own loader, too", () => {
    const { exports, instance } = instantiateSync<Record<string, unknown>>(wasm, {});
    if (!isKernelExports(instance.exports)) throw new Error("not the kernel");
    expect(Object.keys(exports)).toEqual(expect.arrayContaining(Object.keys(instance.exports)));
    expect(exports.memory).toBe(instance.exports.memory);
  });

  it("is at most 48 KB raw and 20 KB gzip", () => {
    expect(wasm.length).toBeLessThanOrEqual(48 * 1024);
    expect(gzipSync(wasm, { level: 9 }).length).toBeLessThanOrEqual(20 * 1024);
  });

  it("is the kernel that KERNEL_SHA256 names", () => {
    expect(createHash("sha256").update(wasm).digest("hex")).toBe(KERNEL_SHA256);
  });

  it("comes out byte for byte the same on a rebuild", () => {
    const folder = mkdtempSync(join(tmpdir(), "portcullis-"));
    try {
      const out = join(folder, "again.wasm");
      const config = JSON.parse(readFileSync("asconfig.json", "utf8"));
      config.entries = [join(process.cwd(), "assembly/index.ts")];
      config.targets.release.outFile = out;
      delete config.targets.release.textFile;
      const configPath = join(process.cwd(), "build/asconfig.again.json");
      writeFileSync(configPath, JSON.stringify(config));
      const asc = "node_modules/assemblyscript/bin/asc.js";
      const args = [asc, "--config", configPath, "--target", "release"];
      const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
      expect(status, stderr).toBe(0);
      expect(Buffer.compare(readFileSync(out), wasm)).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
      rmSync("build/asconfig.again.json", { force: true });
    }
  });

  it("grows its memory once, and an instance is configured once", () => {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(wasm));
    if (!isKernelExports(instance.exports)) throw new Error("not the kernel");
    const { configure, memory, loadImage, check, readMessage } = instance.exports;
    // before it is configured, nothing is decided and nothing is read
    expect(check(0, 1, 0)).toBe(8);
    expect(configure(0, 0, 0, 1 << 20, 1 << 20, 0)).toBe(1);
    const size = memory.buffer.byteLength;
    expect(configure(0, 0, 0, 1 << 21, 1 << 20, 0)).toBe(0);
    expect(loadImage(0)).not.toBe(1);
    readMessage(10, 0);
    expect(memory.buffer.byteLength).toBe(size);
  });
});
