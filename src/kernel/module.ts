// The kernel's compiled module: once a process, at first use, never at import.
import { instantiateSync } from "@assemblyscript/loader";
import { KERNEL_BASE64, KERNEL_SHA256 } from "#kernel";
import { fromBase64 } from "../bytes.ts";
import { GuardError } from "../errors.ts";
import { isKernelExports, type KernelExports } from "./exports.ts";

export { KERNEL_SHA256 };

let compiled: WebAssembly.Module | undefined;

/**
 * The compiled module.
 *
 * @throws {GuardError} KERNEL_LOAD when the runtime cannot run it
 */
export function kernelModule(): WebAssembly.Module {
  if (compiled !== undefined) return compiled;
  try {
    compiled = new WebAssembly.Module(fromBase64(KERNEL_BASE64));
    return compiled;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GuardError(
      "KERNEL_LOAD",
      `expected a runtime that compiles WebAssembly from bytes with 128-bit SIMD, got: ${why}; a page needs 'wasm-unsafe-eval' in its content security policy`,
      { cause },
    );
  }
}

/** A copy of the kernel's own bytes; their SHA-256 is `KERNEL_SHA256`. */
export function kernelBytes(): Uint8Array<ArrayBuffer> {
  return fromBase64(KERNEL_BASE64);
}

/**
 * A fresh instance with memory of its own; about 25 us.
 *
 * @throws {GuardError} KERNEL_LOAD when the runtime cannot run it
 */
export function instantiateKernel(): KernelExports {
  const { instance } = instantiateSync(kernelModule(), {});
  const { exports } = instance;
  if (isKernelExports(exports)) return exports;
  throw new GuardError("KERNEL_LOAD", "expected the portcullis kernel, got another module");
}
