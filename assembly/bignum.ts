// Exact decimal <-> binary64 with unsigned big integers.
//
// Reading: the exact quotient of two integers, rounded to nearest even (IEEE 754-2019 section 4.3).
// Writing: the shortest digits that read back, the closest of those, even on a tie: Steele and
// White's algorithm as fixed by Burger and Dybvig, "Printing Floating-Point Numbers Quickly and
// Accurately", PLDI 1996.
//
// A big integer is 4 bytes limb count, then limbs, least significant first; no leading zero limb.
// 800 kept digits and one for what was cut decide every rounding: no midpoint between two doubles
// has more than 767 significant digits.

/** 4 + 160 x 4 bytes: 5120 bits; the largest value here stays below 10^1130 x 2^60. */
const BIG_SIZE: i32 = 656;

const numerator: usize = memory.data(BIG_SIZE, 16);
const denominator: usize = memory.data(BIG_SIZE, 16);
const marginLow: usize = memory.data(BIG_SIZE, 16);
const marginHigh: usize = memory.data(BIG_SIZE, 16);
const sum: usize = memory.data(BIG_SIZE, 16);

function limb(big: usize, index: u32): usize {
  return big + 4 + (usize(index) << 2);
}

function setSmall(big: usize, value: u64): void {
  store<u32>(big, value == 0 ? 0 : value >> 32 == 0 ? 1 : 2);
  store<u64>(big, value, 4);
}

/** big = big * factor + addend */
function multiply(big: usize, factor: u32, addend: u32): void {
  const count = load<u32>(big);
  let carry = u64(addend);
  for (let index: u32 = 0; index < count; index++) {
    const at = limb(big, index);
    const product = u64(load<u32>(at)) * u64(factor) + carry;
    store<u32>(at, u32(product));
    carry = product >> 32;
  }
  if (carry == 0) return;
  store<u32>(limb(big, count), u32(carry));
  store<u32>(big, count + 1);
}

function multiplyPowerOfTen(big: usize, power: i32): void {
  let left = power;
  for (; left >= 9; left -= 9) multiply(big, 1000000000, 0);
  for (; left > 0; left--) multiply(big, 10, 0);
}

function shiftLeft(big: usize, bits: u32): void {
  const count = load<u32>(big);
  if (count == 0 || bits == 0) return;
  const limbs = bits >> 5;
  const rest = bits & 31;
  const top = u64(load<u32>(limb(big, count - 1))) << rest;
  const hasCarry = top >> 32 != 0;
  if (hasCarry) store<u32>(limb(big, count + limbs), u32(top >> 32));
  for (let index = count; index > 0; index--) {
    const high = u64(load<u32>(limb(big, index - 1))) << 32;
    const low = index > 1 ? u64(load<u32>(limb(big, index - 2))) : 0;
    store<u32>(limb(big, index - 1 + limbs), u32(((high | low) << rest) >> 32));
  }
  for (let index: u32 = 0; index < limbs; index++) store<u32>(limb(big, index), 0);
  store<u32>(big, count + limbs + (hasCarry ? 1 : 0));
}

function bitLength(big: usize): i32 {
  const count = load<u32>(big);
  return count == 0 ? 0 : i32(count * 32 - clz(load<u32>(limb(big, count - 1))));
}

function compare(a: usize, b: usize): i32 {
  const count = load<u32>(a);
  const other = load<u32>(b);
  if (count != other) return count < other ? -1 : 1;
  for (let index = count; index > 0; index--) {
    const x = load<u32>(limb(a, index - 1));
    const y = load<u32>(limb(b, index - 1));
    if (x != y) return x < y ? -1 : 1;
  }
  return 0;
}

/** a = a - b, for a >= b */
function subtract(a: usize, b: usize): void {
  let count = load<u32>(a);
  const other = load<u32>(b);
  let borrow: u64 = 0;
  for (let index: u32 = 0; index < count; index++) {
    const take = borrow + (index < other ? u64(load<u32>(limb(b, index))) : 0);
    const have = u64(load<u32>(limb(a, index)));
    store<u32>(limb(a, index), u32(have - take));
    borrow = have < take ? 1 : 0;
  }
  while (count > 0 && load<u32>(limb(a, count - 1)) == 0) count -= 1;
  store<u32>(a, count);
}

/** out = a + b */
function add(out: usize, a: usize, b: usize): void {
  const aCount = load<u32>(a);
  const bCount = load<u32>(b);
  const count = aCount > bCount ? aCount : bCount;
  let carry: u64 = 0;
  for (let index: u32 = 0; index < count; index++) {
    if (index < aCount) carry += u64(load<u32>(limb(a, index)));
    if (index < bCount) carry += u64(load<u32>(limb(b, index)));
    store<u32>(limb(out, index), u32(carry));
    carry >>= 32;
  }
  if (carry != 0) store<u32>(limb(out, count), u32(carry));
  store<u32>(out, count + (carry != 0 ? 1 : 0));
}

/** Significand of the double being converted, 0 < significand < 2^53. */
let significand: u64 = 0;
/** Its power of two, -1074 .. 971. */
let exponent: i32 = 0;

/**
 * Replaces digits by the shortest ones that stand for the same double.
 *
 * @param digits values 0..9, first and last not 0; overwritten, ended by 0xff
 * @param pointAt the number is 0.d1d2d3... x 10^pointAt, -323 <= pointAt <= 309
 * @returns the new pointAt, or i32.MIN_VALUE when the double is 0 or infinite
 */
export function roundTripDigits(digits: usize, count: u32, truncated: bool, pointAt: i32): i32 {
  if (!toDouble(digits, count, truncated, pointAt)) return i32.MIN_VALUE;
  return toShortest(digits, pointAt);
}

/** Rounds the digits to `significand` x 2^`exponent`; false when that is 0 or infinite. */
function toDouble(digits: usize, count: u32, truncated: bool, pointAt: i32): bool {
  setSmall(numerator, 0);
  for (let index: u32 = 0; index < count; index++) {
    multiply(numerator, 10, u32(load<u8>(digits + usize(index))));
  }
  let power = pointAt - i32(count);
  if (truncated) {
    multiply(numerator, 10, 1);
    power -= 1;
  }
  setSmall(denominator, 1);
  multiplyPowerOfTen(power > 0 ? numerator : denominator, power > 0 ? power : -power);
  // 2^(shift-1) < quotient < 2^(shift+1) before scaling; scaled so that it has 54 or 55 bits
  const length = bitLength(numerator) - bitLength(denominator);
  let scale = 54 - length;
  // subnormals have fewer bits: never finer than 2^-1074, one more bit for rounding
  if (scale > 1075) scale = 1075;
  if (scale > 0) shiftLeft(numerator, u32(scale));
  else shiftLeft(denominator, u32(-scale));
  let quotient = divide();
  let sticky = load<u32>(numerator) != 0;
  exponent = -scale;
  // drop to 53 bits, or to one bit above the subnormal unit
  const excess = quotient >> 54 != 0 ? 2 : 1;
  const isSubnormal = scale == 1075 && quotient >> 54 == 0;
  const drop = isSubnormal ? 1 : excess;
  const cut = quotient & ((u64(1) << drop) - 1);
  const half = u64(1) << (drop - 1);
  quotient >>= drop;
  exponent += drop;
  if (cut > half || (cut == half && (sticky || (quotient & 1) != 0))) quotient += 1;
  if (quotient >> 53 != 0) {
    quotient >>= 1;
    exponent += 1;
  }
  significand = quotient;
  return quotient != 0 && exponent <= 971;
}

/** numerator / denominator, below 2^56; leaves the remainder in `numerator`. */
function divide(): u64 {
  let shift = bitLength(numerator) - bitLength(denominator);
  if (shift < 0) return 0;
  shiftLeft(denominator, u32(shift));
  let quotient: u64 = 0;
  for (; shift >= 0; shift--) {
    quotient <<= 1;
    if (compare(numerator, denominator) >= 0) {
      subtract(numerator, denominator);
      quotient |= 1;
    }
    if (shift > 0) shiftLeft(numerator, 1);
  }
  return quotient;
}

/** Writes the shortest digits of `significand` x 2^`exponent`; returns their pointAt. */
function toShortest(digits: usize, pointNear: i32): i32 {
  const isEven = (significand & 1) == 0;
  // the gap below a power of two is half the gap above it
  const isBorder = significand == u64(1) << 52 && exponent > -1074;
  const extra: u32 = isBorder ? 2 : 1;
  setSmall(numerator, significand);
  setSmall(denominator, 1);
  setSmall(marginLow, 1);
  if (exponent >= 0) {
    shiftLeft(numerator, u32(exponent) + extra);
    shiftLeft(denominator, extra);
    shiftLeft(marginLow, u32(exponent));
  } else {
    shiftLeft(numerator, extra);
    shiftLeft(denominator, u32(-exponent) + extra);
  }
  memory.copy(marginHigh, marginLow, BIG_SIZE);
  if (isBorder) shiftLeft(marginHigh, 1);
  let point = pointNear - 1;
  if (point >= 0) {
    multiplyPowerOfTen(denominator, point);
  } else {
    multiplyPowerOfTen(numerator, -point);
    multiplyPowerOfTen(marginLow, -point);
    multiplyPowerOfTen(marginHigh, -point);
  }
  while (reachesNext(isEven)) {
    multiply(denominator, 10, 0);
    point += 1;
  }
  generate(digits, isEven);
  return point;
}

/** numerator + marginHigh reaches denominator: the rounded value needs one more integer digit. */
function reachesNext(isEven: bool): bool {
  add(sum, numerator, marginHigh);
  const order = compare(sum, denominator);
  return isEven ? order >= 0 : order > 0;
}

function generate(digits: usize, isEven: bool): void {
  let out = digits;
  while (true) {
    multiply(numerator, 10, 0);
    multiply(marginLow, 10, 0);
    multiply(marginHigh, 10, 0);
    let digit: u32 = 0;
    while (compare(numerator, denominator) >= 0) {
      subtract(numerator, denominator);
      digit += 1;
    }
    const low = compare(numerator, marginLow);
    const isLow = isEven ? low <= 0 : low < 0;
    const isHigh = reachesNext(isEven);
    if (isLow || isHigh) {
      store<u8>(out, isHigh && (!isLow || roundsUp(digit)) ? digit + 1 : digit);
      store<u8>(out, 0xff, 1);
      return;
    }
    store<u8>(out, digit);
    out += 1;
  }
}

/** Which of two equally short ends is closer; even on a tie. */
function roundsUp(digit: u32): bool {
  shiftLeft(numerator, 1);
  const order = compare(numerator, denominator);
  return order > 0 || (order == 0 && (digit & 1) != 0);
}
