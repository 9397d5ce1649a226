// What a store in a Durable Object and its clients say to each other: one POST an operation, JSON.
import { GuardError, type GuardErrorCode } from "../errors.ts";
import type { StateOperations } from "./types.ts";

/** Everything but `close`, which is the client's own. */
export type WireOperation = Exclude<keyof StateOperations, "close">;

/** Bytes of the largest question or answer. */
export const LIMIT_WIRE_BYTES = 33_554_432;

/** Codes that an object may answer with; any other answer is STORE_UNAVAILABLE. */
const FAULT_CODES: readonly GuardErrorCode[] = [
  "ARGUMENT_INVALID",
  "STORE_UNAVAILABLE",
  "STORE_CORRUPT",
  "STATE_CORRUPT",
  "ROOT_CHAIN",
  "CATALOG_ROLLBACK",
  "CATALOG_EQUIVOCATION",
];

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

/** @throws {GuardError} ARGUMENT_INVALID for what JSON cannot say */
export function wireText(operation: WireOperation, args: readonly unknown[]): string {
  const isSayable = (value: unknown): boolean =>
    typeof value !== "number" || Number.isFinite(value);
  return JSON.stringify([operation, ...args], (_, value: unknown) => {
    // WHY: JSON makes null of it, and for some members null means "no limit"
    if (isSayable(value)) return value;
    throw new GuardError("ARGUMENT_INVALID", "expected a finite number, got something else");
  });
}

/** The answer of an object as JSON. */
export function answerText(ask: () => unknown): string {
  try {
    return JSON.stringify({ value: ask() });
  } catch (error) {
    const isOurs = error instanceof GuardError && FAULT_CODES.includes(error.code);
    const fault = isOurs
      ? { code: error.code, message: error.message }
      : { code: "STORE_UNAVAILABLE", message: "expected a usable Durable Object, got an error" };
    return JSON.stringify({ fault });
  }
}

/** The value in an answer; `undefined` when there is none. @throws {GuardError} its fault */
export function readAnswer(text: string): unknown {
  const answer: unknown = JSON.parse(text);
  if (!isObject(answer)) throw new TypeError("expected an answer of a store");
  const fault = answer["fault"];
  if (fault === undefined) return answer["value"];
  const { code, message } = isObject(fault) ? fault : { code: "", message: "" };
  const known = FAULT_CODES.find((one) => one === code);
  if (known === undefined) throw new TypeError("expected a fault of a store");
  throw new GuardError(known, typeof message === "string" ? message : "");
}
