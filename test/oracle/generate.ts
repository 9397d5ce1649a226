// Seeded random JSON texts and manifests for differential tests: valid ones, ones with a single
// fault, and ones with mutated bytes. A seed is any 32-bit integer and always gives the same bytes.
import { BAD_BYTES, KEYS, NOT_VALUES, NUMBERS, TEXTS } from "./generate-tables.ts";
import { createRandom, type Random } from "./random.ts";

const encoder = new TextEncoder();

function randomDigits(random: Random, count: number): string {
  let text = String(1 + random.below(9));
  for (let index = 1; index < count; index++) text += random.below(10);
  return text;
}

/** A number of the JSON grammar, accepted by the number rule or not. */
export function randomNumber(random: Random): string {
  const sign = random.chance(30) ? "-" : "";
  switch (random.below(9)) {
    case 0:
    case 1:
    case 2:
      return sign + random.below(1000);
    case 3:
    case 4:
      return random.pick(NUMBERS);
    case 5:
      return sign + randomDigits(random, 1 + random.below(24));
    case 6:
      return `${sign}${random.below(100)}.${randomDigits(random, 1 + random.below(20))}`;
    case 7: {
      const mantissa = random.chance(50) ? "1" : `${random.below(10)}.${randomDigits(random, 17)}`;
      const exponent = random.below(340) * (random.chance(50) ? 1 : -1);
      return `${sign}${mantissa}${random.pick(["e", "E"])}${exponent}`;
    }
    default:
      return longNumber(random);
  }
}

/** 30 to 900 digits, with the point or the exponent that makes the double finite, or without. */
function longNumber(random: Random): string {
  const digits = randomDigits(random, 30 + random.below(871));
  switch (random.below(4)) {
    case 0:
      return digits;
    case 1:
      return `0.${digits}`;
    case 2:
      return `${digits}e-${digits.length + random.below(330)}`;
    default:
      return `0.${"0".repeat(random.below(400))}${digits}e${random.below(40)}`;
  }
}

/** Text of a JSON string for `value`, each character spelled in one of its possible ways. */
export function randomSpelling(random: Random, value: string): string {
  const isEscapeHappy = random.chance(20);
  let text = "";
  for (let index = 0; index < value.length; index++) {
    const unit = value.charCodeAt(index);
    const character = value.charAt(index);
    const hex = unit.toString(16).padStart(4, "0");
    // a surrogate is escaped together with its partner or not at all
    if (unit >= 0xd800 && unit <= 0xdfff) {
      const pair = value.slice(index, index + 2);
      if (pair.length === 2 && pair.isWellFormed() && !isEscapeHappy) {
        text += pair;
        index++;
      } else text += `\\u${hex}`;
    } else if (unit < 0x20 || character === '"' || character === "\\") {
      const short = JSON.stringify(character).slice(1, -1);
      text += random.chance(50) ? short : `\\u${random.chance(50) ? hex : hex.toUpperCase()}`;
    } else if (isEscapeHappy && random.chance(40)) {
      text += character === "/" && random.chance(50) ? "\\/" : `\\u${hex}`;
    } else text += character;
  }
  return `"${text}"`;
}

function randomText(random: Random): string {
  if (random.chance(70)) return random.pick(TEXTS);
  let text = "";
  for (let count = random.below(12); count > 0; count--) {
    const plane = random.pick([0x80, 0x800, 0xd800, 0x110000]);
    const point = random.below(plane);
    text += String.fromCodePoint(point >= 0xd800 && point <= 0xdfff ? 0x41 : point);
  }
  return text;
}

function randomGap(random: Random): string {
  return random.chance(90) ? "" : random.pick([" ", "\t", "\n", "\r", "\r\n  "]);
}

/** Joins member texts (`"name":value`) to an object. */
export function joinObject(random: Random, members: readonly string[]): string {
  const gap = (): string => randomGap(random);
  return `{${gap()}${members.join(`${gap()},${gap()}`)}${gap()}}`;
}

/** One member text, the name spelled at random. */
export function memberText(random: Random, name: string, value: string): string {
  return `${randomSpelling(random, name)}${randomGap(random)}:${randomGap(random)}${value}`;
}

function uniqueKeys(random: Random, count: number): readonly string[] {
  const keys = new Set<string>();
  for (let index = 0; index < count; index++) {
    keys.add(random.chance(75) ? random.pick(KEYS) : randomText(random));
  }
  return [...keys];
}

/** A random value: JSON, but with a number outside the number rule now and then. */
export function randomValue(random: Random, depthLeft: number): string {
  switch (random.below(depthLeft > 0 ? 9 : 5)) {
    case 0:
      return random.pick(["true", "false", "null"]);
    case 1:
      return random.chance(75) ? String(random.below(100000)) : randomNumber(random);
    case 2:
    case 3:
    case 4:
      return randomSpelling(random, randomText(random));
    case 5:
    case 6: {
      const items: string[] = [];
      for (let count = random.below(5); count > 0; count--) {
        items.push(randomValue(random, depthLeft - 1));
      }
      return `[${randomGap(random)}${items.join(`,${randomGap(random)}`)}${randomGap(random)}]`;
    }
    default:
      return randomObject(random, depthLeft);
  }
}

/** A random object, its names unique. */
export function randomObject(random: Random, depthLeft: number): string {
  const members = uniqueKeys(random, random.below(6)).map((key) =>
    memberText(random, key, randomValue(random, depthLeft - 1)),
  );
  return joinObject(random, members);
}

/** A value that some rule of the strict reader refuses, or, for nesting, just does not refuse. */
export function randomFault(random: Random): string {
  switch (random.below(7)) {
    case 0: {
      const key = random.pick(KEYS);
      const twice = [0, 1].map(() => memberText(random, key, randomValue(random, 1)));
      return joinObject(random, [...twice, memberText(random, `${key}x`, "1")]);
    }
    case 1:
      return random.pick(['"\\ud800"', '"\\udc00\\ud800"', '"a\\uDBFFb"', '{"\\udfff":1}']);
    case 2:
      return random.pick(NUMBERS);
    case 3: {
      const count = 58 + random.below(9);
      const [open, close]: readonly [string, string] = random.pick([
        ["[", "]"],
        ['{"a":', "}"],
        ['[{"b":', "}]"],
      ]);
      const times = open.length === 6 ? count >> 1 : count;
      return `${open.repeat(times)}0${close.repeat(times)}`;
    }
    case 4:
      return random.pick(NOT_VALUES);
    case 5:
      return `"a${String.fromCharCode(random.below(34))}b"`;
    default:
      return longNumber(random);
  }
}

/** Flips, inserts, removes, repeats or cuts off a few bytes. */
export function mutateBytes(random: Random, bytes: Uint8Array): Uint8Array {
  let list = [...bytes];
  for (let count = 1 + random.below(3); count > 0; count--) {
    const at = random.below(list.length + 1);
    const to = Math.min(list.length, at + 1 + random.below(8));
    switch (random.below(7)) {
      case 0:
        if (at < list.length) list[at] = (list[at] ?? 0) ^ (1 << random.below(8));
        break;
      case 1:
        list.splice(at, 1);
        break;
      case 2:
        list.splice(
          at,
          0,
          ...encoder.encode(random.pick(["{", "}", "[", "]", ",", ":", '"', "\\"])),
        );
        break;
      case 3:
        list.splice(at, 0, ...random.pick(BAD_BYTES));
        break;
      case 4:
        list.splice(at, 0, ...list.slice(at, to));
        break;
      case 5:
        list.splice(at, to - at);
        break;
      default:
        list = random.chance(50) ? list.slice(0, at) : [...random.pick(BAD_BYTES), ...list];
    }
  }
  return Uint8Array.from(list);
}

/** One JSON text: about half of them pass the strict reader. */
export function generateJson(seed: number): Uint8Array {
  const random = createRandom(seed);
  const depth = random.below(5);
  const value = random.chance(80) ? randomObject(random, depth) : randomValue(random, depth);
  const isFaulty = random.chance(20);
  const text = isFaulty ? joinObject(random, ['"x":1', `"y":${randomFault(random)}`]) : value;
  const bytes = encoder.encode(randomGap(random) + text + randomGap(random));
  return random.chance(20) ? mutateBytes(random, bytes) : bytes;
}
