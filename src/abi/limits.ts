// Limits (30-kernel section 5, 10-catalog section 1). Read by both compilers.
// Each has a test at the limit and at limit + 1.

/** Bytes of one JSON-RPC message on a stdio line, line feed excluded. */
export const LIMIT_MESSAGE_STDIO_BYTES = 10485760;
/** Bytes of one HTTP body. */
export const LIMIT_MESSAGE_HTTP_BYTES = 4194304;
/** Bytes of one message that a host may configure at load, at most. */
export const LIMIT_MESSAGE_BYTES_MAX = 67108864;
/** Bytes of one definition, from its first to its last brace. */
export const LIMIT_DEFINITION_BYTES = 1048576;
/** Bytes of one listing, all its pages together. */
export const LIMIT_LIST_BYTES = 16777216;
/** Open `{` and `[`, the outermost one counted. */
export const LIMIT_DEPTH = 64;
/** UTF-8 bytes of a tool or prompt name. */
export const LIMIT_NAME_BYTES = 128;
/** UTF-8 bytes of a resource URI or URI template. */
export const LIMIT_URI_BYTES = 2048;
/** ASCII bytes of a server id. */
export const LIMIT_SERVER_ID_BYTES = 64;
/** Servers in a catalog. */
export const LIMIT_SERVERS = 65536;
/** Tools (prompts, resources and templates counted alike) in a catalog. */
export const LIMIT_CATALOG_TOOLS = 131072;
/** Items in an image. */
export const LIMIT_IMAGE_ITEMS = 1048576;
/** Named permission bits, the built-in ones included. */
export const LIMIT_SCOPES = 128;
/** Taint labels, the built-in ones included. */
export const LIMIT_TAINTS = 32;
/** Policy rules in a catalog. */
export const LIMIT_RULES = 4096;
/** Words in the lists of an image's rules and principals, equal lists counted once. */
export const LIMIT_IMAGE_LIST_WORDS = 16777216;
/** Index slots that one lookup may visit. */
export const LIMIT_PROBE = 8;
/** Bytes of `catalog.toml`. */
export const LIMIT_CATALOG_BYTES = 33554432;
/** Bytes of a DSSE envelope. */
export const LIMIT_ENVELOPE_BYTES = 50331648;
/** Signatures in one envelope. */
export const LIMIT_SIGNATURES = 16;
/** UTF-8 bytes of a JSON-RPC string id. */
export const LIMIT_ID_BYTES = 256;
/** Pages of one listing. */
export const LIMIT_LIST_PAGES = 1000;
/** Signed steps from the pinned trust root to the newest one. */
export const LIMIT_ROOT_HOPS = 1024;
