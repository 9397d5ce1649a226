// P6: SHA-256 of four messages in SIMD lanes. The kernel exports no such call (it digests listings
// with it), so assembly/sha256x4.ts is compiled alone, with the flags of the release kernel.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import asc from "assemblyscript/asc";
import { bytesEqual } from "../esm/bytes.js";
import { nodeSha256, randomMessages } from "./digest.js";
import type { Finding } from "./finding.js";
import { measureRounds, medians, ratioOf } from "./measure.js";

const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));
const ENTRY = "bench/lanes-entry.ts";
const ENTRY_SOURCE = `
export { sha256x4 } from "../assembly/sha256x4";
export function dataStart(): usize { return __heap_base; }
`;
const FLAGS = ["-O3", "--converge", "--noAssert", "--runtime", "stub", "--use", "abort="];
const LANES = 4;
const BATCH_SIZE_BYTES = 262_144;
const OPTIONS = { batchCount: 2, warmUpCount: 60 };

type Quad = readonly Uint8Array[];
type DigestFour = (messages: Quad) => Uint8Array;

async function compile(): Promise<Uint8Array<ArrayBuffer>> {
  let wasm = new Uint8Array(0);
  const { error, stderr } = await asc.main(
    [ENTRY, "--outFile", "lanes.wasm", ...FLAGS, "--enable", "simd", "--initialMemory", "2"],
    {
      readFile: (name) => {
        if (name === ENTRY) return ENTRY_SOURCE;
        // the kernel's own configuration would add its entry to this one
        if (name.endsWith("asconfig.json")) return null;
        try {
          return readFileSync(`${ROOT}${name}`, "utf8");
        } catch {
          return null; // asc tries several names for one import
        }
      },
      writeFile: (_, contents) => {
        if (typeof contents !== "string") wasm = Uint8Array.from(contents);
      },
      listFiles: () => null,
    },
  );
  if (error !== null) throw new Error(`expected asc to compile ${ENTRY}: ${stderr.toString()}`);
  return wasm;
}

async function loadLanes(size: number): Promise<DigestFour> {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(await compile()));
  const { memory, sha256x4, dataStart } = exports;
  if (!(memory instanceof WebAssembly.Memory)) throw new Error("expected the export memory");
  if (typeof sha256x4 !== "function" || typeof dataStart !== "function") {
    throw new Error("expected the exports sha256x4 and dataStart");
  }
  const bytes = new Uint8Array(memory.buffer);
  const start = Math.ceil(Number(dataStart()) / 64) * 64;
  const stride = Math.ceil(size / 64) * 64 + 64;
  const out = start + LANES * stride;
  const at = [0, 1, 2, 3].map((lane) => start + lane * stride);
  const [a = 0, b = 0, c = 0, d = 0] = at;
  return (messages) => {
    for (let lane = 0; lane < LANES; lane++) bytes.set(messages[lane] ?? [], at[lane]);
    sha256x4(a, size, b, size, c, size, d, size, out);
    return bytes.subarray(out, out + 32 * LANES);
  };
}

function oneByOne(digest: (message: Uint8Array) => Uint8Array): DigestFour {
  const out = new Uint8Array(32 * LANES);
  return (messages) => {
    for (let lane = 0; lane < LANES; lane++) out.set(digest(messages[lane] ?? out), lane * 32);
    return out;
  };
}

/** Measures four messages of `size` bytes each; the values are per message. */
export async function measureLanes(size: number): Promise<Finding[]> {
  const count = Math.max(1, Math.floor(BATCH_SIZE_BYTES / (size * LANES)));
  const messages = randomMessages(size, count * LANES);
  const quads = Array.from({ length: count }, (_, index) =>
    messages.slice(index * LANES, (index + 1) * LANES),
  );
  const digests: [string, DigestFour][] = [
    ["portcullis", await loadLanes(size)],
    ["@noble/hashes", oneByOne(nobleSha256)],
    ["node:crypto", oneByOne(nodeSha256)],
  ];
  const expected = oneByOne(nodeSha256);
  for (const quad of quads.slice(0, 16)) {
    for (const [name, digest] of digests) {
      if (!bytesEqual(digest(quad), expected(quad))) throw new Error(`${name}: wrong digests`);
    }
  }
  const contenders = digests.map(([name, digest]) => ({
    name,
    prepare: (): readonly Quad[] => quads,
    run: (list: readonly Quad[]): number => {
      let sum = 0;
      for (const quad of list) sum += digest(quad)[127] ?? 0;
      return sum;
    },
  }));
  const rounds = measureRounds(contenders, { operationCount: count * LANES, ...OPTIONS });
  const values = medians(rounds);
  return ["noble", "node"].map((versus) => ({
    key: `P6/${size}/${versus}`,
    what: `SHA-256 of 4 x ${size} B in lanes, against ${versus}`,
    unit: "ns",
    values,
    scores: [ratioOf(rounds, versus === "noble" ? "@noble/hashes" : "node:crypto", "portcullis")],
    scoreUnit: "x",
  }));
}
