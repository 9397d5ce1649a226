// Limits of the HTTP guard beside those of src/abi/limits.ts and src/proxy/limits.ts.

/** Milliseconds in which the body of a request has to be complete. */
export const LIMIT_BODY_WAIT_MS = 30_000;
/** Milliseconds in which a server has to take a notification or a response. */
export const LIMIT_TELL_WAIT_MS = 30_000;
/** Milliseconds in which a server behind a URL has to take a connection. */
export const LIMIT_CONNECT_WAIT_MS = 30_000;
/** Sessions of the legacy era at one time. */
export const LIMIT_HTTP_SESSIONS = 4_096;
/** Of sessions, and of connections for modern requests, one caller may have one in so many. */
export const CALLER_SHARE = 4;
/** Messages of a server on a pipe that wait for a stream of its session. */
export const LIMIT_UNHEARD_MESSAGES = 64;
/** Bytes of them. */
export const LIMIT_UNHEARD_BYTES = 1_048_576;
/** Streams at one time on which a client of one session gets what it missed of others. */
export const LIMIT_RESUMED_STREAMS = 16;
/** Milliseconds after which a session that nobody uses makes room for another. */
export const LIMIT_SESSION_IDLE_MS = 1_800_000;
/**
 * Connections for modern requests at one time. One carries many requests, but no two with the same id, and
 * clients of one SDK all count from the same number.
 */
export const LIMIT_LANES = 4_096;
/** Children at one time that a host may ask for; a session or a connection has one where its server is a command. */
export const LIMIT_CHILDREN = 4_096;
/** So many without being asked. */
export const CHILDREN_DEFAULT = 256;
/** Of connections for modern requests, so many are kept when nobody uses them. */
export const LIMIT_IDLE_LANES = 256;
/**
 * Bytes of the client capabilities of a request of the modern era: a connection keeps them, and the guard's
 * own listings repeat them.
 */
export const LIMIT_CAPABILITIES_BYTES = 65_536;
/** Redirects of one request, all within the server's own origin. */
export const LIMIT_REDIRECTS = 3;
/** ASCII characters of a bearer token. */
export const LIMIT_TOKEN_CHARACTERS = 8_192;
/** Characters of a header that is passed on. */
export const LIMIT_HEADER_CHARACTERS = 8_192;
/** Characters of a principal that a token names. */
export const LIMIT_PRINCIPAL_CHARACTERS = 512;
