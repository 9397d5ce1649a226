// Limits of the audit log. Each has a test at the limit and at limit + 1.

/** Bytes of one record, line feed excluded; an event that needs more is not written. */
export const LIMIT_RECORD_BYTES = 33_554_432;
/** Records between two checkpoints, at most. */
export const CHECKPOINT_RECORDS = 64;
/** How long a record waits for a checkpoint, in ms. */
export const CHECKPOINT_MS = 1000;
/** Bytes of one file of a log; the record that would pass it begins the next file. */
export const ROTATE_BYTES = 268_435_456;
/** Records that a log in memory holds when its host does not say. */
export const MEMORY_RECORDS = 100_000;
/** Records that wait for the host of a callback log; with more, nothing is accepted. */
export const CALLBACK_RECORDS = 4096;
/** Bytes of other logs that one start reads again to link their unsigned ends. */
export const LIMIT_LINK_BYTES = 16_777_216;
/** Events that are kept in memory when a host names no audit log. */
export const RECENT_EVENTS = 1024;
