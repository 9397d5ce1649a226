// Resource templates: literal text and `{name}` variables, each of which matches one or more bytes
// except `/ ? # % \` (10-catalog section 1).
import { SERVER_OFFSET_TEMPLATE_COUNT, SERVER_OFFSET_TEMPLATE_FIRST } from "../src/abi/layout";
import { CHAR_BACKSLASH, CHAR_BRACE_CLOSE, CHAR_BRACE_OPEN, CHAR_SLASH } from "./chars";
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
    if (matches(at, at + size, nameBuffer, nameBuffer + usize(uriSize))) return i32(item);
  }
  return -1;
}

function isVariableByte(c: u32): bool {
  return c != CHAR_SLASH && c != 0x3f && c != 0x23 && c != 0x25 && c != CHAR_BACKSLASH;
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
