// Compiles assembly/sha256.ts and assembly/sha256x4.ts alone, with the flags of the release kernel.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));
const ENTRY = "test/kernel/sha256-entry.ts";
// WHY: a string, because it is AssemblyScript: as a file it would be type-checked as TypeScript
const ENTRY_SOURCE = `
export { sha256Init, sha256Update, sha256Final } from "../../assembly/sha256";
export { sha256Once, sha256TwoParts } from "../../assembly/sha256";
export { sha256x4 } from "../../assembly/sha256x4";
export function dataStart(): usize { return __heap_base; }
`;
const FLAGS: readonly string[] = [
  "-O3",
  "--converge",
  "--noAssert",
  ...["--runtime", "stub", "--use", "abort=", "--enable", "simd", "--initialMemory", "64"],
];

/** Addresses and sizes are in bytes of `memory`; what a function does is said in `assembly/`. */
export interface Sha {
  readonly module: WebAssembly.Module;
  readonly memory: Uint8Array<ArrayBuffer>;
  /** First byte that belongs to no static buffer. */
  readonly dataStart: number;
  readonly init: () => void;
  readonly update: (data: number, sizeBytes: number) => void;
  readonly final: (out: number) => void;
  readonly once: (data: number, sizeBytes: number, out: number) => void;
  readonly twoParts: (a: number, aSize: number, b: number, bSize: number, out: number) => void;
  /** Data and size of four messages, then `out`. */
  readonly x4: (...dataAndSizesAndOut: readonly number[]) => void;
}

/** Compiles and instantiates; 4 MiB of memory. */
export async function loadSha(): Promise<Sha> {
  const module = new WebAssembly.Module(await compile());
  const { exports } = new WebAssembly.Instance(module);
  const { memory } = exports;
  if (!(memory instanceof WebAssembly.Memory)) throw new Error("expected the export `memory`");
  if (!(memory.buffer instanceof ArrayBuffer))
    throw new Error("expected memory that is not shared");
  return {
    module,
    memory: new Uint8Array(memory.buffer),
    dataStart: Number(callable(exports, "dataStart")()),
    init: callable(exports, "sha256Init"),
    update: callable(exports, "sha256Update"),
    final: callable(exports, "sha256Final"),
    once: callable(exports, "sha256Once"),
    twoParts: callable(exports, "sha256TwoParts"),
    x4: callable(exports, "sha256x4"),
  };
}

async function compile(): Promise<Uint8Array<ArrayBuffer>> {
  let wasm = new Uint8Array(0);
  const { error, stderr } = await asc.main([ENTRY, "--outFile", "sha256.wasm", ...FLAGS], {
    readFile: (name) => readSource(name),
    writeFile: (_, contents) => {
      if (typeof contents !== "string") wasm = Uint8Array.from(contents);
    },
    listFiles: () => null,
  });
  if (error !== null) throw new Error(`expected asc to compile ${ENTRY}: ${stderr.toString()}`);
  return wasm;
}

function readSource(name: string): string | null {
  if (name === ENTRY) return ENTRY_SOURCE;
  // WHY: the repository's own configuration adds the kernel's entry to this one
  if (name.endsWith("asconfig.json")) return null;
  try {
    return readFileSync(resolve(ROOT, name), "utf8");
  } catch {
    return null; // asc tries several names for an import
  }
}

function callable(
  exports: WebAssembly.Exports,
  name: string,
): (...args: readonly number[]) => unknown {
  const value = exports[name];
  if (typeof value !== "function") throw new Error(`expected the export \`${name}\``);
  return (...args) => value(...args);
}
