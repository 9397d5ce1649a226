// Verification as a sequence of questions, so that it is written once: Node answers each of them at once, a
// browser and a worker later.
import type { PublicKey } from "./keys.ts";

/** Whether `signature` (64 bytes) is the key's over `message`. */
export interface SignatureQuestion {
  readonly key: PublicKey;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** Work that asks such questions, goes on with each answer, and comes to a `T`. */
export type Asking<T> = Generator<SignatureQuestion, T, boolean>;

/** Answers every question at once. @throws what the work throws */
export function answerNow<T>(work: Asking<T>): T {
  let step = work.next();
  while (step.done !== true) {
    const { key, message, signature } = step.value;
    step = work.next(key.verify(message, signature));
  }
  return step.value;
}

/** The same answers, by the host where it gives them later. @throws what the work throws */
export async function answerLater<T>(work: Asking<T>): Promise<T> {
  let step = work.next();
  while (step.done !== true) {
    const { key, message, signature } = step.value;
    step = work.next(await key.verifyLater(message, signature));
  }
  return step.value;
}
