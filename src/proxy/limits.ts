// Limits of the proxy beside those of src/abi/limits.ts. Each has a test at the limit and behind it.
import { LIMIT_CATALOG_TOOLS } from "../abi/limits.ts";

/** Milliseconds a message waits for the guard's own listing. */
export const LIMIT_ADMISSION_WAIT_MS = 30_000;
/** Times one listing begins again because the server says that it has changed. */
export const LIMIT_LISTING_RESTARTS = 8;
/** Milliseconds, from when it came in, that a call waits for a person; clients give up at 60 s. */
export const LIMIT_CONSENT_WAIT_MS = 50_000;
/** Milliseconds in which a modern client may come back with a person's answer. */
export const LIMIT_CONSENT_RETRY_MS = 300_000;
/** Milliseconds between two looks for an answer that is given elsewhere. */
export const CONSENT_POLL_MS = 250;
/** Calls of one session that wait for a person at one time. */
export const LIMIT_OPEN_QUESTIONS = 64;
/** Bytes of a server's own state, and of the answers to it, that the guard carries while it asks. */
export const LIMIT_CARRIED_STATE_BYTES = 262_144;
/** Bytes of a server's text that are scanned; what is larger counts as flagged. */
export const LIMIT_SCANNED_BYTES = 1_048_576;
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
