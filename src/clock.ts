// The only module that reads the wall clock or randomness. Everything below takes them as input.

/** Milliseconds since 1970-01-01T00:00:00Z. */
export type Clock = () => number;

/** The wall clock. */
export const systemClock: Clock = () => Date.now();

/** A random UUID v4 (RFC 9562). */
export function randomUuid(): string {
  return globalThis.crypto.randomUUID();
}

/** `size` random bytes from the platform's generator. */
export function randomBytes(size: number): Uint8Array {
  return globalThis.crypto.getRandomValues(new Uint8Array(size));
}

/** Milliseconds of a clock that never goes back; only for measuring spans of time. */
export function monotonicMs(): number {
  return globalThis.performance.now();
}
