// One server bound to this instance: what a proxy or a transport does (90-performance P1b).
//
// The hash of the server's id is taken once; a check then hashes and compares the name alone.
import {
  FRAME_WORD_HANDLE,
  FRAME_WORD_KIND,
  FRAME_WORD_METHOD,
  FRAME_WORD_NAME_SIZE,
  KIND_PROMPT,
  KIND_RESOURCE,
  KIND_TOOL,
  MESSAGE_MALFORMED,
  MESSAGE_REQUEST,
  METHOD_OTHER,
  METHOD_PROMPTS_GET,
  METHOD_TOOLS_CALL,
} from "../src/abi/layout";
import {
  VERDICT_FEATURE_DENIED,
  VERDICT_MALFORMED_MESSAGE,
  VERDICT_TOOL_SMUGGLE,
  VERDICT_UNDECIDED,
  VERDICT_UNKNOWN_SERVER,
} from "../src/abi/verdict";
import { catalogVerdict, judgeItem } from "./check";
import { isLoaded } from "./image";
import { frame, nameBuffer, serverAt } from "./memory";
import { readMessage } from "./message";
import { hashBehind, serverSum } from "./name-hash";
import { findHashedBound, findServer } from "./table";
import { findTemplate } from "./template";

let server: i32 = -1;
let serverSize: u32 = 0;
/** Of its id; see `hashBehind`. */
let sum: u64 = 0;

/** Binds the server whose id is in the server buffer; returns its index, or -1. */
export function bindServer(size: u32): i32 {
  server = isLoaded ? findServer(size) : -1;
  serverSize = size;
  if (server < 0) return -1;
  sum = serverSum(serverAt(serverSize), serverSize);
  return server;
}

/** Index of the bound server's item whose name is in the name buffer, or -1. */
function findBound(kind: u32, nameSize: u32): i32 {
  const hash = hashBehind(sum, serverSize, kind, nameBuffer, nameSize);
  return findHashedBound(hash, u32(server), kind, nameSize);
}

/** The whole check of the bound server's item whose name is in the name buffer. */
export function checkBoundName(kind: u32, nameSize: u32, hasRequest: bool): i32 {
  if (catalogVerdict != VERDICT_UNDECIDED) return catalogVerdict;
  if (server < 0) return VERDICT_UNKNOWN_SERVER;
  const item = findBound(kind, nameSize);
  if (item < 0) return VERDICT_TOOL_SMUGGLE;
  return judgeItem(u32(item), hasRequest);
}

/** Reads the message at the start of the input region and checks it. */
export function checkMessageBytes(size: u32, flags: u32): i32 {
  const kind = readMessage(size, flags);
  if (kind == MESSAGE_MALFORMED) return VERDICT_MALFORMED_MESSAGE;
  return checkFrame();
}

/**
 * Checks the message in the frame: a dispatch through its pins, anything else not at all.
 *
 * @returns a verdict; VERDICT_FEATURE_DENIED for what is not a dispatch
 */
export function checkFrame(): i32 {
  if (load<i32>(frame + (FRAME_WORD_KIND << 2)) != MESSAGE_REQUEST) return VERDICT_FEATURE_DENIED;
  const method = load<i32>(frame + (FRAME_WORD_METHOD << 2));
  if (method == METHOD_OTHER) return VERDICT_FEATURE_DENIED;
  if (catalogVerdict != VERDICT_UNDECIDED) return catalogVerdict;
  if (server < 0) return VERDICT_UNKNOWN_SERVER;
  const nameSize = load<i32>(frame + (FRAME_WORD_NAME_SIZE << 2));
  // a name that is longer than any pinned one
  if (nameSize < 0) return VERDICT_TOOL_SMUGGLE;
  const item = findTarget(method, u32(nameSize));
  store<i32>(frame + (FRAME_WORD_HANDLE << 2), item);
  if (item < 0) return VERDICT_TOOL_SMUGGLE;
  return judgeItem(u32(item), false);
}

function findTarget(method: i32, nameSize: u32): i32 {
  if (method == METHOD_TOOLS_CALL) return findBound(KIND_TOOL, nameSize);
  if (method == METHOD_PROMPTS_GET) return findBound(KIND_PROMPT, nameSize);
  const item = findBound(KIND_RESOURCE, nameSize);
  return item >= 0 ? item : findTemplate(u32(server), nameSize);
}
