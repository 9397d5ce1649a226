// The kernel as it is shipped: no imports, small, reproducible, and the one that is named.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { instantiateSync } from "@assemblyscript/loader";
import { describe, expect, it } from "vitest";
import { READ_SIZE } from "../../src/abi/layout.ts";
import { isKernelExports, type KernelExports } from "../../src/kernel/exports.ts";
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

  function instance(): KernelExports {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm));
    if (!isKernelExports(exports)) throw new Error("not the kernel");
    return exports;
  }

  it("an instance is configured once, and decides nothing before it", () => {
    const { configure, growInput, memory, loadImage, check, readMessage } = instance();
    expect(check(0, 1, 0)).toBe(8);
    expect(growInput(1 << 20, 0)).toBe(0);
    expect(configure(0, 0, 0, 1 << 20, 1 << 20, 0)).toBe(1);
    const size = memory.buffer.byteLength;
    expect(configure(0, 0, 0, 1 << 21, 1 << 20, 0)).toBe(0);
    expect(loadImage(0)).not.toBe(1);
    readMessage(10, 0);
    expect(memory.buffer.byteLength).toBe(size);
  });

  it("makes room for larger texts, never for smaller ones and not over 64 MiB", () => {
    const kernel = instance();
    const { configure, growInput, memory } = kernel;
    const regions = (): readonly number[] => [
      kernel.regionImage(),
      kernel.regionItemStates(),
      kernel.regionServerStates(),
      kernel.regionInput(),
      kernel.regionPatterns(),
    ];
    expect(configure(4096, 8, 2, 1024, 1024, 0)).toBe(1);
    const before = regions();
    const size = memory.buffer.byteLength;
    expect([1023, 67_108_865, -1].map((bytes) => growInput(bytes, 0))).toEqual([0, 0, 0]);
    expect(growInput(2048, 2049)).toBe(0);
    expect(memory.buffer.byteLength).toBe(size);
    const text = Buffer.from(`"${"a".repeat(99_998)}"`);
    expect(kernel.readJson(text.length, 0)).toBe(READ_SIZE);
    expect(growInput(100_000, 100_000)).toBe(1);
    expect(regions()).toEqual(before);
    new Uint8Array(memory.buffer).set(text, kernel.regionInput());
    expect(kernel.canonicalize(text.length)).toBe(text.length);
    expect(kernel.canonicalize(text.length + 1)).toBe(-READ_SIZE);
  });

  it("has room for the objects of every text it has room for, however dense they stand", () => {
    const text = (depth: number, size: number): string => {
      const cell = `${'{"":'.repeat(depth)}1${"}".repeat(depth)},`;
      const cells = cell.repeat(Math.floor((size - 2) / cell.length)).slice(0, -1);
      return `[${cells}]`;
    };
    const depths = [1, 2, 3, 20, 62, 63];
    const sizes = [1_000, 65_536, 262_144];
    const texts = depths.flatMap((depth) => sizes.map((size) => text(depth, size)));
    const results = texts.map((json) => {
      const kernel = instance();
      expect(kernel.configure(0, 0, 0, 100, 100, 0)).toBe(1);
      expect(kernel.growInput(json.length, json.length)).toBe(1);
      Buffer.from(kernel.memory.buffer).write(json, kernel.regionInput());
      const size = kernel.canonicalize(json.length);
      const start = kernel.regionCanonical();
      return Buffer.from(kernel.memory.buffer).toString("utf8", start, start + Math.max(size, 0));
    });
    // all is written as it stood
    expect(results.map((json, index) => json === texts[index])).toEqual(texts.map(() => true));
  });
});
