// Resource templates: literal text and `{name}` variables, each of which matches one or more bytes
// except `/ ? # % \` (10-catalog section 1) and control characters. Two things a variable must not
// make out of a pinned template either, since URI parsers act on them: a path segment `.` or `..`,
// and another authority (user information or a port).
import { SERVER_OFFSET_TEMPLATE_COUNT, SERVER_OFFSET_TEMPLATE_FIRST } from "../src/abi/layout";
import {
  CHAR_BACKSLASH,
  CHAR_BRACE_CLOSE,
  CHAR_BRACE_OPEN,
  CHAR_COLON,
  CHAR_POINT,
  CHAR_SLASH,
} from "./chars";
import { nameBuffer } from "./memory";
import { itemName, itemNameSize, itemRecord, serverRecord } from "./table";

/** The first template of `server`, in byte order, that matches the name buffer, or -1. */
export function findTemplate(server: u32, uriSize: u32): i32 {
  const record = serverRecord(server);
  const first = load<u32>(record, SERVER_OFFSET_TEMPLATE_FIRST);
  const end = first + load<u32>(record, SERVER_OFFSET_TEMPLATE_COUNT);
  for (let item = first; item < end; item++) {
    const template = itemRecord(item);
    const at = itemName(template);
    const size = usize(itemNameSize(template));
    const uriEnd = nameBuffer + usize(uriSize);
    if (!matches(at, at + size, nameBuffer, uriEnd)) continue;
    if (!hasDotSegment(nameBuffer, uriEnd) && sameAuthority(at, at + size, nameBuffer, uriEnd)) {
      return i32(item);
    }
  }
  return -1;
}

function isVariableByte(c: u32): bool {
  if (c < 0x20 || c == 0x7f) return false;
  return c != CHAR_SLASH && c != 0x3f && c != 0x23 && c != 0x25 && c != CHAR_BACKSLASH;
}

function isDelimiter(c: u32): bool {
  return c == CHAR_SLASH || c == 0x3f || c == 0x23;
}

/** A segment between delimiters is `.` or `..`. */
function hasDotSegment(uri: usize, uriEnd: usize): bool {
  let start = uri;
  for (let at = uri; at <= uriEnd; at++) {
    if (at < uriEnd && !isDelimiter(u32(load<u8>(at)))) continue;
    const size = at - start;
    if (size == 1 && u32(load<u8>(start)) == CHAR_POINT) return true;
    if (size == 2 && load<u16>(start) == 0x2e2e) return true;
    start = at + 1;
  }
  return false;
}

/** How many `@` and `:` stand between `//` and the next delimiter. */
function authorityMarks(start: usize, end: usize): u32 {
  let at = start;
  while (at + 1 < end && load<u16>(at) != 0x2f2f) at += 1;
  let marks: u32 = 0;
  for (at += 2; at < end && !isDelimiter(u32(load<u8>(at))); at++) {
    const c = u32(load<u8>(at));
    if (c == 0x40 || c == CHAR_COLON) marks += 1;
  }
  return marks;
}

/** The authority has no `@` and no `:` that the template does not have. */
function sameAuthority(template: usize, templateEnd: usize, uri: usize, uriEnd: usize): bool {
  return authorityMarks(template, templateEnd) == authorityMarks(uri, uriEnd);
}

/** Address behind the variable whose `{` is at `at`. The compiler has checked that it ends. */
function behindVariable(start: usize, end: usize): usize {
  let at = start;
  while (at < end && u32(load<u8>(at)) != CHAR_BRACE_CLOSE) at += 1;
  return at + 1;
}

/**
 * Leftmost matching with one point of return: the last variable. An earlier variable never needs
 * to grow, since a later one may take over every byte it could have taken.
 */
function matches(pattern: usize, patternEnd: usize, uri: usize, uriEnd: usize): bool {
  let p = pattern;
  let u = uri;
  let resumePattern: usize = 0;
  let resumeUri: usize = 0;
  while (true) {
    if (p < patternEnd && u32(load<u8>(p)) == CHAR_BRACE_OPEN) {
      if (u >= uriEnd || !isVariableByte(u32(load<u8>(u)))) {
        // falls back to the last variable below
      } else {
        p = behindVariable(p, patternEnd);
        u += 1;
        resumePattern = p;
        resumeUri = u;
        continue;
      }
    } else if (p < patternEnd && u < uriEnd && load<u8>(p) == load<u8>(u)) {
      p += 1;
      u += 1;
      continue;
    } else if (p >= patternEnd && u == uriEnd) {
      return true;
    }
    if (resumePattern == 0 || resumeUri >= uriEnd) return false;
    if (!isVariableByte(u32(load<u8>(resumeUri)))) return false;
    resumeUri += 1;
    p = resumePattern;
    u = resumeUri;
  }
}
