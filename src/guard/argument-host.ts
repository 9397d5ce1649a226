// The predicate `host`: a URL whose authority can be read in one way only (40-gateway section 4).
import { foldAscii } from "../catalog/names.ts";

const BACKSLASH = 0x5c;
/** White space beyond ASCII, NO-BREAK SPACE to the byte order mark. */
const SPACES: ReadonlySet<number> = new Set([
  0xa0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009,
  0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000, 0xfeff,
]);
const PORT_DIGITS_MAX = 5;

/** What a URL's raw text says, ASCII case folded. */
export interface UrlHead {
  readonly scheme: "http" | "https";
  readonly host: string;
}

/**
 * Reads scheme and host of a URL from its raw text, in one pass.
 *
 * Accepts what `^(https?)://([a-z0-9-]+(\.[a-z0-9-]+)*)(:[0-9]{1,5})?(?=[/?#]|$)` accepts with
 * ASCII case folded, without `\`, white space or control characters anywhere, and with a last label
 * that is neither all digits nor `0x...` (an address in numbers).
 */
export function readUrlHead(url: string): UrlHead | undefined {
  if (hasForbidden(url)) return undefined;
  const scheme = schemeOf(url);
  if (scheme === undefined) return undefined;
  const start = scheme.length + 3;
  let at = start;
  let labelStart = start;
  for (; at < url.length; at++) {
    const unit = url.charCodeAt(at);
    if (isHostUnit(unit)) continue;
    if (unit !== 0x2e) break;
    if (at === labelStart) return undefined;
    labelStart = at + 1;
  }
  if (at === labelStart || !endsAuthority(url, at)) return undefined;
  const host = foldAscii(url.slice(start, at));
  const last = host.slice(labelStart - start);
  return /^[0-9]+$/.test(last) || last.startsWith("0x") ? undefined : { scheme, host };
}

/** True when `host` is `pattern`, or one or more labels before what follows its `*`. */
export function matchesHost(host: string, pattern: string): boolean {
  if (!pattern.startsWith("*.")) return host === pattern;
  const suffix = pattern.slice(1);
  return host.length > suffix.length && host.endsWith(suffix);
}

function hasForbidden(url: string): boolean {
  for (let index = 0; index < url.length; index++) {
    const unit = url.charCodeAt(index);
    if (unit <= 0x20 || unit === BACKSLASH || (unit >= 0x7f && unit <= 0x9f)) return true;
    if (unit >= 0xa0 && SPACES.has(unit)) return true;
  }
  return false;
}

function schemeOf(url: string): "http" | "https" | undefined {
  const head = foldAscii(url.slice(0, 8));
  if (head.startsWith("https://")) return "https";
  return head.startsWith("http://") ? "http" : undefined;
}

function isHostUnit(unit: number): boolean {
  const lower = unit | 0x20;
  return (lower >= 0x61 && lower <= 0x7a && unit < 0x80) || isDigit(unit) || unit === 0x2d;
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}

/** True when the authority ends at `at`, or behind a port of 1-5 digits there. */
function endsAuthority(url: string, at: number): boolean {
  let end = at;
  if (url[at] === ":") {
    end = at + 1;
    while (end < url.length && isDigit(url.charCodeAt(end))) end += 1;
    const digits = end - at - 1;
    if (digits < 1 || digits > PORT_DIGITS_MAX) return false;
  }
  return end === url.length || url[end] === "/" || url[end] === "?" || url[end] === "#";
}
