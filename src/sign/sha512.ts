// SHA-512 (FIPS 180-4), for the signatures that no host verifies.
//
// WHY not a library's: with that of @noble/hashes a page gets 2.7 KB of gzip more. A word of 64 bits is two of
// 32, `h` the upper and `l` the lower one.
import { initialWords, roundWords } from "./sha512-constants.ts";

const BLOCK_SIZE_BYTES = 128;
/** Of a padded message: its size in bits, big end first. */
const SIZE_FIELD_BYTES = 16;
const SCHEDULE_SIZE_BYTES = 640;
const WORD_RANGE = 2 ** 32;

/** Made at first use. */
let constants: { readonly initial: Uint8Array<ArrayBuffer>; readonly rounds: DataView } | undefined;

/** The 64-byte digest of a message. */
export function sha512(message: Uint8Array): Uint8Array<ArrayBuffer> {
  constants ??= { initial: initialWords(), rounds: new DataView(roundWords().buffer) };
  const { initial, rounds } = constants;
  const digest = initial.slice();
  const state = new DataView(digest.buffer);
  const schedule = new DataView(new ArrayBuffer(SCHEDULE_SIZE_BYTES));
  const wholeSize = message.length - (message.length % BLOCK_SIZE_BYTES);
  const tail = padded(message.subarray(wholeSize), message.length);
  for (const part of [message.subarray(0, wholeSize), tail]) {
    const view = new DataView(part.buffer, part.byteOffset, part.length);
    for (let at = 0; at < part.length; at += BLOCK_SIZE_BYTES) {
      expand(schedule, view, at);
      compress(state, schedule, rounds);
    }
  }
  return digest;
}

/** The end of a message: 0x80, zeros, and the size of all of it (section 5.1.2). */
function padded(rest: Uint8Array, sizeBytes: number): Uint8Array {
  const isLong = rest.length + 1 + SIZE_FIELD_BYTES > BLOCK_SIZE_BYTES;
  const tail = new Uint8Array(isLong ? 2 * BLOCK_SIZE_BYTES : BLOCK_SIZE_BYTES);
  tail.set(rest);
  tail[rest.length] = 0x80;
  const view = new DataView(tail.buffer);
  view.setUint32(tail.length - 8, Math.floor((sizeBytes * 8) / WORD_RANGE));
  view.setUint32(tail.length - 4, sizeBytes << 3);
  return tail;
}

/** The message schedule of one block (section 6.4.2, step 1). */
function expand(schedule: DataView, block: DataView, at: number): void {
  for (let to = 0; to < BLOCK_SIZE_BYTES; to += 4) {
    schedule.setInt32(to, block.getInt32(at + to));
  }
  for (let to = BLOCK_SIZE_BYTES; to < SCHEDULE_SIZE_BYTES; to += 8) {
    // W(t-15) and W(t-2)
    const h15 = schedule.getInt32(to - 120);
    const l15 = schedule.getInt32(to - 116);
    const h2 = schedule.getInt32(to - 16);
    const l2 = schedule.getInt32(to - 12);
    // sigma0: 1 and 8 to the right, and 7 without what comes out; sigma1: 19 and 61, and 6
    const h0 = ((h15 >>> 1) | (l15 << 31)) ^ ((h15 >>> 8) | (l15 << 24)) ^ (h15 >>> 7);
    const l0 =
      ((l15 >>> 1) | (h15 << 31)) ^ ((l15 >>> 8) | (h15 << 24)) ^ ((l15 >>> 7) | (h15 << 25));
    const h1 = ((h2 >>> 19) | (l2 << 13)) ^ ((l2 >>> 29) | (h2 << 3)) ^ (h2 >>> 6);
    const l1 = ((l2 >>> 19) | (h2 << 13)) ^ ((h2 >>> 29) | (l2 << 3)) ^ ((l2 >>> 6) | (h2 << 26));
    const lower =
      schedule.getUint32(to - 124) + (l0 >>> 0) + schedule.getUint32(to - 52) + (l1 >>> 0);
    const upper = schedule.getInt32(to - 128) + h0 + schedule.getInt32(to - 56) + h1;
    schedule.setInt32(to, upper + carryOf(lower));
    schedule.setInt32(to + 4, lower);
  }
}

/** The eighty rounds on one block (section 6.4.2, steps 2 to 4). */
function compress(state: DataView, schedule: DataView, rounds: DataView): void {
  let ah = state.getInt32(0);
  let al = state.getInt32(4);
  let bh = state.getInt32(8);
  let bl = state.getInt32(12);
  let ch = state.getInt32(16);
  let cl = state.getInt32(20);
  let dh = state.getInt32(24);
  let dl = state.getInt32(28);
  let eh = state.getInt32(32);
  let el = state.getInt32(36);
  let fh = state.getInt32(40);
  let fl = state.getInt32(44);
  let gh = state.getInt32(48);
  let gl = state.getInt32(52);
  let hh = state.getInt32(56);
  let hl = state.getInt32(60);
  for (let at = 0; at < SCHEDULE_SIZE_BYTES; at += 8) {
    // T1 = h + Sigma1(e) + Ch(e, f, g) + K + W
    const t1l =
      (hl >>> 0) +
      (largeSigma1(el, eh) >>> 0) +
      ((gl ^ (el & (fl ^ gl))) >>> 0) +
      rounds.getUint32(at + 4) +
      schedule.getUint32(at + 4);
    const t1h =
      hh +
      largeSigma1(eh, el) +
      (gh ^ (eh & (fh ^ gh))) +
      rounds.getInt32(at) +
      schedule.getInt32(at) +
      carryOf(t1l);
    // T2 = Sigma0(a) + Maj(a, b, c), here with T1
    const nextAl =
      (t1l >>> 0) + (largeSigma0(al, ah) >>> 0) + (((al & bl) | (cl & (al | bl))) >>> 0);
    const nextAh = t1h + largeSigma0(ah, al) + ((ah & bh) | (ch & (ah | bh))) + carryOf(nextAl);
    const nextEl = (dl >>> 0) + (t1l >>> 0);
    const nextEh = dh + t1h + carryOf(nextEl);
    hh = gh;
    hl = gl;
    gh = fh;
    gl = fl;
    fh = eh;
    fl = el;
    eh = nextEh | 0;
    el = nextEl | 0;
    dh = ch;
    dl = cl;
    ch = bh;
    cl = bl;
    bh = ah;
    bl = al;
    ah = nextAh | 0;
    al = nextAl | 0;
  }
  addTo(state, 0, ah, al);
  addTo(state, 8, bh, bl);
  addTo(state, 16, ch, cl);
  addTo(state, 24, dh, dl);
  addTo(state, 32, eh, el);
  addTo(state, 40, fh, fl);
  addTo(state, 48, gh, gl);
  addTo(state, 56, hh, hl);
}

/**
 * One half of Sigma0 of a word (section 4.1.3): 28, 34 and 39 to the right.
 *
 * @param own the half that is wanted
 * @param other the other half
 */
function largeSigma0(own: number, other: number): number {
  return (
    ((own >>> 28) | (other << 4)) ^ ((other >>> 2) | (own << 30)) ^ ((other >>> 7) | (own << 25))
  );
}

/** One half of Sigma1, as `largeSigma0`: 14, 18 and 41 to the right. */
function largeSigma1(own: number, other: number): number {
  return (
    ((own >>> 14) | (other << 18)) ^ ((own >>> 18) | (other << 14)) ^ ((other >>> 9) | (own << 23))
  );
}

/** What a sum of lower halves, each below 2^32, adds to the upper one. */
function carryOf(lower: number): number {
  return Math.floor(lower / WORD_RANGE);
}

function addTo(state: DataView, at: number, upper: number, lower: number): void {
  const sum = state.getUint32(at + 4) + (lower >>> 0);
  state.setInt32(at, state.getInt32(at) + upper + carryOf(sum));
  state.setInt32(at + 4, sum);
}
