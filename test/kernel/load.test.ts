// A runtime or a bundle that cannot run the kernel: one clear error, no decision.
import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { KERNEL_BASE64, KERNEL_PACKED as NOTHING } from "#kernel";
import { fromBase64, toHex, utf8 } from "../../src/bytes.ts";
import { type PackedBytes, unpackBytes } from "../../src/kernel/packed.ts";

const EMPTY_MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const WASM = readFileSync("build/kernel/kernel.wasm");
const KERNEL = new WebAssembly.Module(WASM);
const NO_BYTES = new Uint8Array(0);

/** Bytes as the build packs them, with the values in their own order. */
function packed(bytes: Uint8Array): PackedBytes {
  const alphabet = String.fromCharCode(...Array.from({ length: 90 }, (_, index) => 33 + index));
  const code = (byte: number): string => {
    const rest = byte - 88;
    if (rest < 0) return alphabet.charAt(byte + 2);
    return alphabet.charAt(Math.floor(rest / 90)) + alphabet.charAt(rest % 90);
  };
  const frequent = toHex(Uint8Array.from({ length: 88 }, (_, value) => value));
  return { alphabet, frequent, text: Array.from(bytes, code).join("") };
}

/** What `#kernel` stands for: bytes to compile, or what a bundler made of kernel.wasm. */
function standIn(bytes: Uint8Array, module: unknown): void {
  vi.doMock("#kernel", () => ({
    KERNEL_BASE64: "",
    KERNEL_PACKED: packed(bytes),
    KERNEL_MODULE: module,
    KERNEL_SHA256: "0".repeat(64),
  }));
}

async function outcomeOf(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    if (error instanceof Error && "code" in error) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "no error";
}

/** Loads the kernel's host from scratch and digests with it. */
async function digest(): Promise<string> {
  const { sha256 } = await import("../../src/kernel/digest.ts");
  return outcomeOf(() => sha256(new Uint8Array(0)));
}

async function prepare(options: { module?: WebAssembly.Module }): Promise<string> {
  const { prepareKernel } = await import("../../src/kernel/module.ts");
  return outcomeOf(() => prepareKernel(options));
}

beforeEach(() => {
  vi.resetModules();
});

describe("base64 for a host that decodes it", () => {
  it("is the kernel, and nothing is packed beside it", () => {
    expect(Buffer.compare(fromBase64(KERNEL_BASE64), WASM)).toBe(0);
    expect(NOTHING.text).toBe("");
  });
});

describe("packed bytes", () => {
  it("are those of the kernel, in characters that need no escape in a script", async () => {
    const { KERNEL_BASE64: none, KERNEL_PACKED } = await import("../../build/kernel/kernel.js");
    expect(none).toBe("");
    expect(Buffer.compare(unpackBytes(KERNEL_PACKED), WASM)).toBe(0);
    expect(KERNEL_PACKED.text).toMatch(/^[ -~]+$/);
    expect(KERNEL_PACKED.text).not.toMatch(/["'`\\$<]/);
  });

  it("are every value, as a single character or as a pair", () => {
    const all = Uint8Array.from({ length: 512 }, (_, index) => index & 255);
    expect(unpackBytes(packed(all))).toEqual(all);
    expect(unpackBytes(packed(NO_BYTES))).toEqual(NO_BYTES);
  });
});

describe("bytes", () => {
  it("that do not compile are KERNEL_LOAD, with what a page and a worker must have", async () => {
    standIn(utf8("not wasm"), undefined);
    const message = await digest();
    expect(message).toMatch(/^KERNEL_LOAD: .*wasm-unsafe-eval/);
    expect(message).toMatch(/condition `workerd`.*prepareKernel/);
    expect(await prepare({})).toBe(message);
  });

  it("of another module than the kernel are KERNEL_LOAD", async () => {
    standIn(EMPTY_MODULE, undefined);
    expect(await digest()).toMatch(/^KERNEL_LOAD: expected the portcullis kernel/);
  });
});

describe("a module that the bundler imports", () => {
  it("is used, and no bytes are compiled", async () => {
    standIn(NO_BYTES, KERNEL);
    expect(await digest()).toBe("no error");
  });

  it.each([
    ["a path", "/assets/kernel.wasm", "string"],
    ["its bytes", EMPTY_MODULE, "object"],
    ["a function that makes an instance", () => KERNEL, "function"],
  ])("that came out as %s is KERNEL_LOAD", async (_, made, type) => {
    standIn(NO_BYTES, made);
    expect(await digest()).toBe(
      `KERNEL_LOAD: expected kernel.wasm as a WebAssembly.Module, got ${type}; have the bundler import it as a compiled module`,
    );
  });
});

describe("prepareKernel", () => {
  it("takes a module where no bytes compile", async () => {
    standIn(NO_BYTES, undefined);
    expect(await prepare({ module: KERNEL })).toBe("no error");
    expect(await digest()).toBe("no error");
    expect(await prepare({ module: KERNEL })).toBe("no error");
  });

  it("takes no module that is not the kernel, and the kernel can still be given", async () => {
    standIn(NO_BYTES, undefined);
    const refused = "KERNEL_LOAD: expected the portcullis kernel, got another module";
    expect(await prepare({ module: new WebAssembly.Module(EMPTY_MODULE) })).toBe(refused);
    // (import "a" "b" (func)): a module that wants something from the host
    const wanting = [1, 4, 1, 0x60, 0, 0, 2, 7, 1, 1, 0x61, 1, 0x62, 0, 0];
    const importing = new WebAssembly.Module(Uint8Array.of(...EMPTY_MODULE, ...wanting));
    expect(await prepare({ module: importing })).toBe(refused);
    expect(await prepare({ module: KERNEL })).toBe("no error");
  });

  it("takes no second kernel after the first was used", async () => {
    vi.doUnmock("#kernel");
    expect(await digest()).toBe("no error");
    expect(await prepare({})).toBe("no error");
    expect(await prepare({ module: KERNEL })).toBe(
      "KERNEL_LOAD: expected the kernel's module before its first use",
    );
  });
});
