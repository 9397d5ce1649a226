// A runtime or a bundle that cannot run the kernel: one clear error, no decision.
import { expect, it, vi } from "vitest";

/** Loads the kernel's host from scratch with `base64` as the kernel's bytes. */
async function digestWith(base64: string): Promise<string> {
  vi.resetModules();
  vi.doMock("#kernel", () => ({ KERNEL_BASE64: base64, KERNEL_SHA256: "0".repeat(64) }));
  const { sha256 } = await import("../../src/kernel/digest.ts");
  try {
    sha256(new Uint8Array(0));
  } catch (error) {
    if (error instanceof Error && "code" in error) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "no error";
}

it("bytes that do not compile are KERNEL_LOAD, with what a page must allow", async () => {
  const message = await digestWith(Buffer.from("not wasm").toString("base64"));
  expect(message).toMatch(/^KERNEL_LOAD: .*wasm-unsafe-eval/);
});

it("another module than the kernel is KERNEL_LOAD", async () => {
  const empty = Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]).toString("base64");
  expect(await digestWith(empty)).toMatch(/^KERNEL_LOAD: expected the portcullis kernel/);
});
