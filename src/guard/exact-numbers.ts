// Numbers that a constraint may compare: those whose text says exactly what their double says.
//
// WHY: the raw text is forwarded. `100.00000000000000001` is the double 100, which `max = 100`
// lets pass, and more than 100 to a server that reads decimals.

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NUMBER_END = /[^0-9.eE+-]|$/g;
const DECIMAL = /^-?([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/;

/**
 * JSON text in which every number that a double would change is `null`, which no numeric predicate
 * accepts.
 *
 * A double's own text is the shortest decimal that reads back as it (ECMAScript Number::toString);
 * `1`, `1.0` and `1e0` are one number.
 *
 * @param text JSON that the strict reader accepted, so that plain integers are exact already
 */
export function withExactNumbers(text: string): string {
  const parts: string[] = [];
  let done = 0;
  let at = 0;
  while (at < text.length) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) {
      at = stringEnd(text, at);
    } else if (unit === 0x2d || (unit >= 0x30 && unit <= 0x39)) {
      NUMBER_END.lastIndex = at;
      const end = NUMBER_END.exec(text)?.index ?? text.length;
      if (!isExact(text.slice(at, end))) {
        parts.push(text.slice(done, at), "null");
        done = end;
      }
      at = end;
    } else {
      at += 1;
    }
  }
  return done === 0 ? text : parts.join("") + text.slice(done);
}

/** Index behind the string that opens at `at`. */
function stringEnd(text: string, at: number): number {
  let index = at + 1;
  while (index < text.length && text.charCodeAt(index) !== QUOTE) {
    index += text.charCodeAt(index) === BACKSLASH ? 2 : 1;
  }
  return index + 1;
}

function isExact(token: string): boolean {
  return /^-?[0-9]+$/.test(token) || decimalOf(token) === decimalOf(String(Number(token)));
}

/** One text per decimal value: digits without outer zeros, and the power of ten of the last one. */
function decimalOf(token: string): string {
  const match = DECIMAL.exec(token);
  if (match === null) return "";
  const [, whole = "", fraction = "", power = "0"] = match;
  const digits = (whole + fraction).replace(/^0+/, "");
  let size = digits.length;
  while (size > 0 && digits.charCodeAt(size - 1) === 0x30) size -= 1;
  if (size === 0) return "0";
  const exponent = Number(power) - fraction.length + (digits.length - size);
  return `${token.startsWith("-") ? "-" : ""}${digits.slice(0, size)}e${exponent}`;
}
