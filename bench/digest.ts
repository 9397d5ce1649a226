// P5: SHA-256 of one message, its copy into the kernel included.
import { createHash } from "node:crypto";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import { bytesEqual } from "../esm/bytes.js";
import { sha256 } from "../esm/kernel/digest.js";
import type { Finding } from "./finding.js";
import { exported, loadInstalled } from "./installed.js";
import { type Contender, makeRandom, measureRounds, medians, ratioOf } from "./measure.js";

/** Bytes that one batch digests. */
const BATCH_SIZE_BYTES = 524_288;
const WARM_UP_COUNT = 60;

type Digest = (bytes: Uint8Array) => Uint8Array;

export function nodeSha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}

interface StreamingHash {
  init(): void;
  update(bytes: Uint8Array): void;
  digest(format: "binary"): Uint8Array;
}

/** Digests of other packages, when they are installed in bench/compare. */
async function loadDigests(): Promise<[string, Digest][]> {
  const digests: [string, Digest][] = [];
  const hashWasm = await loadInstalled("hash-wasm");
  if (hashWasm !== undefined) {
    const hash = await exported<() => Promise<StreamingHash>>(hashWasm, "createSHA256")();
    digests.push([
      "hash-wasm",
      (bytes) => {
        hash.init();
        hash.update(bytes);
        return hash.digest("binary");
      },
    ]);
  }
  const asSha256 = await loadInstalled("@chainsafe/as-sha256");
  if (asSha256 !== undefined) digests.push(["as-sha256", exported<Digest>(asSha256, "digest")]);
  return digests;
}

export function randomMessages(size: number, count: number): Uint8Array[] {
  const random = makeRandom(size);
  return Array.from({ length: count }, () => Uint8Array.from({ length: size }, () => random(256)));
}

/** P5 for messages of `size` bytes. */
export async function measureSha256(size: number): Promise<Finding[]> {
  const count = Math.max(1, Math.floor(BATCH_SIZE_BYTES / Math.max(size, 64)));
  const messages = randomMessages(size, count);
  const others = await loadDigests();
  const digests: [string, Digest][] = [
    ["portcullis", sha256],
    ["@noble/hashes", nobleSha256],
    ["node:crypto", nodeSha256],
    ...others,
  ];
  for (const message of messages.slice(0, 64)) {
    const expected = nodeSha256(message);
    for (const [name, digest] of digests) {
      if (!bytesEqual(digest(message), expected)) throw new Error(`${name}: wrong digest`);
    }
  }
  const contenders = digests.map(
    ([name, digest]): Contender<readonly Uint8Array[]> => ({
      name,
      prepare: () => messages,
      run: (list) => {
        let sum = 0;
        for (const message of list) sum += digest(message)[31] ?? 0;
        return sum;
      },
    }),
  );
  const options = { operationCount: count, batchCount: 2, warmUpCount: WARM_UP_COUNT };
  const rounds = measureRounds(contenders, options);
  const values = medians(rounds);
  const finding = (versus: string, score: number): Finding => ({
    key: `P5/${size}/${versus}`,
    what: `SHA-256 of ${size} B, against ${versus}`,
    unit: "ns",
    values,
    scores: [score],
    scoreUnit: "x",
  });
  return [
    finding("noble", ratioOf(rounds, "@noble/hashes", "portcullis")),
    ...others.map(([name]) => finding(name, ratioOf(rounds, name, "portcullis"))),
  ];
}
