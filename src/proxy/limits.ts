// Limits of the proxy beside those of src/abi/limits.ts. Each has a test at the limit and behind it.
import { LIMIT_CATALOG_TOOLS } from "../abi/limits.ts";

/** Milliseconds a message waits for the guard's own listing. */
export const LIMIT_ADMISSION_WAIT_MS = 30_000;
/** Times one listing begins again because the server says that it has changed. */
export const LIMIT_LISTING_RESTARTS = 8;
/** Requests in flight, on either side. */
export const LIMIT_PENDING = 65_536;
/** Bytes of messages that wait for a listing, before the client is read no further. */
export const LIMIT_HELD_BYTES = 16_777_216;
/** Bytes that wait for a slow reader, when they are the guard's own answers. */
export const LIMIT_OUTBOX_BYTES = 16_777_216;
/** Task ids that one session remembers. */
export const LIMIT_TASKS = 65_536;
/** UTF-8 bytes of a task id; a longer one is not remembered, and so of no use. */
export const LIMIT_TASK_ID_BYTES = 1_024;
/** Ids of cancelled requests that one session remembers. */
export const LIMIT_CANCELLED = 65_536;
/** Definitions of one kind in a listing, all its pages together; as many as a catalog can pin. */
export const LIMIT_LISTING_ITEMS: number = LIMIT_CATALOG_TOOLS;
