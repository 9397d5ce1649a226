// The kernel's compiled module: once a process, at first use, never at import.
import { KERNEL_BASE64, KERNEL_MODULE, KERNEL_PACKED, KERNEL_SHA256 } from "#kernel";
import { fromBase64 } from "../bytes.ts";
import { GuardError } from "../errors.ts";
import { isKernelExports, type KernelExports } from "./exports.ts";
import { unpackBytes } from "./packed.ts";

export { KERNEL_SHA256 };

export interface KernelOptions {
  /** `portcullis/kernel.wasm` as the host's bundler has compiled it; the caller vouches for it. */
  readonly module?: WebAssembly.Module | undefined;
}

const REMEDIES =
  "a page needs 'wasm-unsafe-eval' in its content security policy; a worker needs the import condition `workerd`, or prepareKernel with the module of portcullis/kernel.wasm";

let compiled: WebAssembly.Module | undefined;

/**
 * Compiles the kernel now instead of at first use, or takes a module that the host has compiled:
 * for runtimes that compile no bytes, under bundlers that do not know the condition `workerd`.
 *
 * @example
 * import module from "portcullis/kernel.wasm";
 * prepareKernel({ module });
 * @throws {GuardError} KERNEL_LOAD for what is not the kernel, for a module that comes after first
 *   use, or when this runtime compiles no bytes
 */
export function prepareKernel({ module }: KernelOptions = {}): void {
  if (module === undefined) {
    kernelModule();
    return;
  }
  if (module === compiled) return;
  if (compiled !== undefined) {
    throw new GuardError("KERNEL_LOAD", "expected the kernel's module before its first use");
  }
  const given = asModule(module);
  instantiate(given);
  compiled = given;
}

/**
 * The compiled module.
 *
 * @throws {GuardError} KERNEL_LOAD when the runtime cannot run it
 */
export function kernelModule(): WebAssembly.Module {
  if (compiled !== undefined) return compiled;
  compiled = KERNEL_MODULE === undefined ? compileBytes() : asModule(KERNEL_MODULE);
  return compiled;
}

function compileBytes(): WebAssembly.Module {
  try {
    return new WebAssembly.Module(unpack());
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new GuardError(
      "KERNEL_LOAD",
      `expected a runtime that compiles WebAssembly from bytes with 128-bit SIMD, got: ${why}; ${REMEDIES}`,
      { cause },
    );
  }
}

/** A copy of the kernel's bytes (SHA-256: `KERNEL_SHA256`); `undefined` where only its module is. */
export function kernelBytes(): Uint8Array<ArrayBuffer> | undefined {
  return KERNEL_MODULE === undefined ? unpack() : undefined;
}

function unpack(): Uint8Array<ArrayBuffer> {
  return KERNEL_BASE64 === "" ? unpackBytes(KERNEL_PACKED) : fromBase64(KERNEL_BASE64);
}

/** Refuses what else bundlers make of an imported .wasm file: a path, bytes, an instance. */
function asModule(value: unknown): WebAssembly.Module {
  if (value instanceof WebAssembly.Module) return value;
  throw new GuardError(
    "KERNEL_LOAD",
    `expected kernel.wasm as a WebAssembly.Module, got ${typeof value}; have the bundler import it as a compiled module`,
  );
}

function instantiate(module: WebAssembly.Module): KernelExports {
  if (WebAssembly.Module.imports(module).length === 0) {
    const { exports } = new WebAssembly.Instance(module);
    if (isKernelExports(exports)) return exports;
  }
  throw new GuardError("KERNEL_LOAD", "expected the portcullis kernel, got another module");
}

/**
 * A fresh instance with memory of its own; about 25 us.
 *
 * @throws {GuardError} KERNEL_LOAD when the runtime cannot run it
 */
export function instantiateKernel(): KernelExports {
  return instantiate(kernelModule());
}
