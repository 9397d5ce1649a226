// Which of the methods that mean something here a message names (50-proxy section 2).
import {
  METHOD_OTHER,
  METHOD_PROMPTS_GET,
  METHOD_RESOURCES_READ,
  METHOD_RESOURCES_SUBSCRIBE,
  METHOD_RESOURCES_UNSUBSCRIBE,
  METHOD_TOOLS_CALL,
} from "../src/abi/layout";
import { decodeString } from "./string";

/** Bytes of a method that `loadMethod` keeps; those that mean something here are shorter. */
const METHOD_SIZE: usize = 32;
/** The method that was loaded last, and room for the zeros behind it. */
const method: usize = memory.data(64, 16);

/**
 * Decodes the first METHOD_SIZE bytes of the raw span of a method, zeros behind them.
 *
 * @returns the size of the method, or -1 when it is longer than that
 */
export function loadMethod(start: usize, end: usize): i32 {
  const size = end - start;
  const head = v128.load(start);
  const tail = v128.load(start, 16);
  const backslash = i8x16.splat(0x5c);
  const escapes =
    u32(i8x16.bitmask(i8x16.eq(head, backslash))) |
    (u32(i8x16.bitmask(i8x16.eq(tail, backslash))) << 16);
  const kept = size < METHOD_SIZE ? size : METHOD_SIZE;
  const isPlain = (u64(escapes) & ((u64(1) << u64(kept)) - 1)) == 0;
  v128.store(method, isPlain ? head : i64x2.splat(0));
  v128.store(method, isPlain ? tail : i64x2.splat(0), 16);
  // what does not fit is cut at the capacity
  if (!isPlain) return decodeString(start, end, method, METHOD_SIZE);
  v128.store(method + kept, i64x2.splat(0));
  v128.store(method + kept, i64x2.splat(0), 16);
  return size > METHOD_SIZE ? -1 : i32(size);
}

/** The method that was loaded starts with `notifications/`. */
export function isNotificationMethod(): bool {
  const head = load<u64>(method) == 0x6163696669746f6e; // "notifica"
  return head && load<u32>(method, 8) == 0x6e6f6974 && load<u16>(method, 12) == 0x2f73;
}

/** METHOD_TOOLS_CALL ... or METHOD_OTHER, of the method of `size` bytes that was loaded. */
export function dispatchMethod(size: i32): i32 {
  if (size == 10) {
    const isTools = load<u64>(method) == 0x61632f736c6f6f74 && load<u16>(method, 8) == 0x6c6c;
    return isTools ? METHOD_TOOLS_CALL : METHOD_OTHER;
  }
  if (size == 11) {
    const head = load<u64>(method) == 0x2f7374706d6f7270; // "prompts/"
    return head && (load<u32>(method, 8) & 0xffffff) == 0x746567
      ? METHOD_PROMPTS_GET
      : METHOD_OTHER;
  }
  if (size < 14 || load<u64>(method) != 0x656372756f736572) return METHOD_OTHER; // "resource"
  const tail = load<u64>(method, 8);
  if (size == 14) return tail == 0x646165722f73 ? METHOD_RESOURCES_READ : METHOD_OTHER;
  const rest = load<u64>(method, 16);
  // "s/subscr" "ibe", "s/unsubs" "cribe"
  if (size == 19 && tail == 0x7263736275732f73 && rest == 0x656269) {
    return METHOD_RESOURCES_SUBSCRIBE;
  }
  if (size == 21 && tail == 0x736275736e752f73 && rest == 0x6562697263) {
    return METHOD_RESOURCES_UNSUBSCRIBE;
  }
  return METHOD_OTHER;
}
