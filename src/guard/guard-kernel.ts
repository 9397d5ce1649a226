// The kernel instance of one guard, and the few things every check does: write names, split the
// time, keep track of the bound server.
import { KIND_TOOL } from "../abi/layout.ts";
import { LIMIT_NAME_BYTES, LIMIT_SERVER_ID_BYTES } from "../abi/limits.ts";
import { isWellFormed, utf8 } from "../bytes.ts";
import type { Clock } from "../clock.ts";
import { loadImage } from "../kernel/image-kernel.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { LiveItems } from "./live-items.ts";
import type { ScopeSet } from "./scope-set.ts";

/** Later times are no times: `Number.MAX_SAFE_INTEGER` + 1 ms. */
const TIME_END = 9007199254740992;
/** Divisor that takes the high word out of a time in ms. */
const WORD = 4294967296;

/** Where a text goes: a server id ends where the name begins, so that both are hashed in one loop. */
export const PLACE_NAME = 0;
export const PLACE_SERVER: number = ~7;

/**
 * Writes `text` as UTF-8 to the kernel's memory, four bytes at a time. Zeros follow it up to the next
 * multiple of 8, as the kernel hashes whole words.
 *
 * @param place PLACE_NAME or PLACE_SERVER
 * @returns its size in bytes; 0, a name nothing has, when it is too long or not well-formed
 */
export function writeText(kernel: Kernel, place: number, text: unknown, sizeMax: number): number {
  if (typeof text !== "string") return 0;
  const size = text.length;
  // UTF-8 is never shorter than UTF-16 code units
  if (size > sizeMax) return 0;
  if (size < 4) return writeOther(kernel, place, text, sizeMax);
  const { words } = kernel;
  const at = kernel.nameAt - ((size + 7) & place);
  // WHY: whole words, the last one from the last four characters; bytes one by one cost 56 ns for
  // two names of 33 characters together, words 45
  const last = size - 4;
  // the last word of the padded text; what follows it is another's
  words[(at + ((size - 1) | 4)) >> 2] = 0;
  let seen = 0;
  for (let index = 0; index < size; index += 4) {
    const from = index < last ? index : last;
    const a = text.charCodeAt(from);
    const b = text.charCodeAt(from + 1);
    const c = text.charCodeAt(from + 2);
    const d = text.charCodeAt(from + 3);
    seen |= a | b | c | d;
    words[(at + index) >> 2] = (a | (b << 8) | (c << 16) | (d << 24)) >>> ((index - from) << 3);
  }
  return seen < 0x80 ? size : writeOther(kernel, place, text, sizeMax);
}

/** A text that is short or not ASCII. */
function writeOther(kernel: Kernel, place: number, text: string, sizeMax: number): number {
  // WHY: TextEncoder writes U+FFFD for a lone surrogate, and a pinned name may hold that character
  if (!isWellFormed(text)) return 0;
  const encoded = utf8(text);
  const size = encoded.length;
  if (size > sizeMax) return 0;
  const at = kernel.nameAt - ((size + 7) & place);
  kernel.bytes.fill(0, at, at + ((size + 7) & ~7));
  kernel.bytes.set(encoded, at);
  return size;
}

/** One guard's kernel with its clock. */
export class GuardKernel {
  readonly kernel: Kernel;
  readonly clock: Clock;
  /** What was seen of the servers whose admission the kernel holds. */
  readonly live: LiveItems = new LiveItems();
  #boundServer: string | undefined;
  /** What the kernel was told last. WHY: NaN equals no time, so the first one is always told. */
  #now: number = Number.NaN;
  #request: ScopeSet | undefined;

  constructor(image: Uint8Array, clock: Clock, messageSizeMax: number) {
    this.kernel = loadImage(image, messageSizeMax);
    this.clock = clock;
  }

  /**
   * Reads the clock and tells the kernel when the time has changed. Anything that is not a time is
   * 0, which no catalog is valid at.
   *
   * INVARIANT: before every decision, and before anything else is written for it: the clock is the
   * host's code.
   */
  setTime(): void {
    const now = this.clock();
    if (now !== this.#now) this.#tellTime(now);
  }

  // WHY: apart, so that what every check does is small enough to be inlined into it
  #tellTime(now: number): void {
    this.#now = now;
    const time = now > 0 && now < TIME_END ? now : 0;
    this.kernel.exports.setTime(time | 0, (time / WORD) | 0);
  }

  /** True when the kernel was told these scopes last; then they are a real set of this catalog. */
  isRequested(scopes: ScopeSet | Iterable<string>): scopes is ScopeSet {
    return scopes === this.#request;
  }

  /**
   * Tells the kernel which scopes are requested, when they have changed.
   *
   * @param scopes a real set of this guard's catalog
   */
  setRequest(scopes: ScopeSet): void {
    if (scopes !== this.#request) this.#tellRequest(scopes);
  }

  #tellRequest(scopes: ScopeSet): void {
    this.#request = scopes;
    this.kernel.exports.setRequest(scopes.w0, scopes.w1, scopes.w2, scopes.w3);
  }

  /** Writes a server id; see `writeText`. */
  writeServer(id: unknown): number {
    return writeText(this.kernel, PLACE_SERVER, id, LIMIT_SERVER_ID_BYTES);
  }

  /** Writes a name; see `writeText`. */
  writeName(name: unknown, sizeMax: number): number {
    return writeText(this.kernel, PLACE_NAME, name, sizeMax);
  }

  /** Index in the image of a tool; -1 when it is not pinned. */
  toolOf(server: unknown, tool: unknown): number {
    const serverSize = this.writeServer(server);
    const nameSize = this.writeName(tool, LIMIT_NAME_BYTES);
    return this.kernel.exports.resolve(serverSize, KIND_TOOL, nameSize);
  }

  /** Makes `id` the kernel's bound server; its index, or -1 when the catalog does not name it. */
  bind(id: string): number {
    this.#boundServer = id;
    return this.kernel.exports.bindServer(this.writeServer(id));
  }

  /** Binds `id` unless it is bound already. */
  ensureBound(id: string): void {
    if (this.#boundServer !== id) this.bind(id);
  }
}
