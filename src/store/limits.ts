// Limits of the stores. Each has a test at the limit and at limit + 1.

/** Tools that one lease grants. */
export const LIMIT_LEASE_TOOLS = 1024;
/** Questions that wait for an answer at one time. */
export const LIMIT_QUESTIONS_PENDING = 1024;
/** UTF-8 bytes of what a person is shown. */
export const LIMIT_QUESTION_TEXT_BYTES = 65_536;
/** Sessions above a session: its parent, the parent's parent, and so on. */
export const LIMIT_SESSION_ANCESTORS = 32;
/** ASCII characters of a nonce. */
export const LIMIT_NONCE_CHARACTERS = 256;
/** UTF-8 bytes of the origin of an audit log. */
export const LIMIT_LOG_ORIGIN_BYTES = 512;
/** UTF-8 bytes of the path of an audit log, and of what is public about it. */
export const LIMIT_LOG_TEXT_BYTES = 4096;
/** Expired rows that one write removes. */
export const LIMIT_PURGE_ROWS = 64;
/**
 * How long expired leases, consents and questions stay, in ms: a call that names an expired lease
 * is told so. Expired nonces go at once.
 */
export const EXPIRED_RETENTION_MS = 86_400_000;
