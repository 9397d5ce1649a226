// The debug kernel, with its assertions, against the oracle: the same suite.
import { readFileSync } from "node:fs";
import { expect, it, vi } from "vitest";
import { KERNEL_SHA256 } from "../../src/kernel/module.ts";
import { describeDifferential } from "./differential-suite.ts";

vi.mock("#kernel", async () => {
  const path = new URL("../../build/kernel/kernel.debug.wasm", import.meta.url);
  const { createHash } = await import("node:crypto");
  const wasm = readFileSync(path);
  return {
    KERNEL_MODULE: new WebAssembly.Module(wasm),
    KERNEL_BASE64: "",
    KERNEL_PACKED: undefined,
    KERNEL_SHA256: createHash("sha256").update(wasm).digest("hex"),
  };
});

it("this file runs the debug build", async () => {
  const release = readFileSync("build/kernel/kernel-node.js", "utf8");
  expect(release).not.toContain(KERNEL_SHA256);
});

describeDifferential("debug", 10_000);
