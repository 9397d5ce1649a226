// Byte layouts shared by the kernel and the host. Read by both compilers: literals only.
// All integers are little-endian; offsets are in bytes; sizes carry their unit.

// ---- image (30-kernel section 2) -------------------------------------------------------------
//
//   0 magic "PCIM"   4 ABI version  8 total size    12 servers   16 items      20 digests
//  24 index slots   28 longest probe               32 hash key (2 x u64)      48 expires ms u64
//  56 catalog version u64          64 servers at   68 items at  72 digests at 76 names at
//  80 names size    84 index at    88 details at   92 flags
//  96 catalog SHA-256 (32)        128 image SHA-256 (32)
// 160 principals   164 rules      168 list words  172 principals at
// 176 rules at     180 lists at   184 reserved (8)
// 192 servers | items | details | digests | names | principals | rules | lists | index,
//     each aligned to 64, padding zero

export const IMAGE_MAGIC = 0x4d494350;
export const IMAGE_ABI_VERSION = 3;
export const IMAGE_SECTION_ALIGN = 64;

export const HEADER_SIZE = 192;
export const HEADER_OFFSET_MAGIC = 0;
export const HEADER_OFFSET_ABI_VERSION = 4;
export const HEADER_OFFSET_TOTAL_SIZE = 8;
export const HEADER_OFFSET_SERVER_COUNT = 12;
export const HEADER_OFFSET_ITEM_COUNT = 16;
export const HEADER_OFFSET_DIGEST_COUNT = 20;
export const HEADER_OFFSET_SLOT_COUNT = 24;
export const HEADER_OFFSET_PROBE_MAX = 28;
export const HEADER_OFFSET_HASH_KEY = 32;
export const HEADER_OFFSET_EXPIRES_MS = 48;
export const HEADER_OFFSET_CATALOG_VERSION = 56;
export const HEADER_OFFSET_SERVERS_AT = 64;
export const HEADER_OFFSET_ITEMS_AT = 68;
export const HEADER_OFFSET_DIGESTS_AT = 72;
export const HEADER_OFFSET_NAMES_AT = 76;
export const HEADER_OFFSET_NAMES_SIZE = 80;
export const HEADER_OFFSET_INDEX_AT = 84;
export const HEADER_OFFSET_DETAILS_AT = 88;
export const HEADER_OFFSET_FLAGS = 92;
export const HEADER_OFFSET_CATALOG_SHA256 = 96;
export const HEADER_OFFSET_IMAGE_SHA256 = 128;
export const HEADER_OFFSET_PRINCIPAL_COUNT = 160;
export const HEADER_OFFSET_RULE_COUNT = 164;
export const HEADER_OFFSET_LIST_COUNT = 168;
export const HEADER_OFFSET_PRINCIPALS_AT = 172;
export const HEADER_OFFSET_RULES_AT = 176;
export const HEADER_OFFSET_LISTS_AT = 180;
export const HEADER_OFFSET_RESERVED = 184;

/** The catalog has a `[principals]` table: who is not declared there is unknown. */
export const IMAGE_FLAG_PRINCIPALS = 1;
export const IMAGE_FLAGS_ALL = 1;

// server record, 64 bytes; a name is an offset from the start of the names section, where names
// are zero-padded to a multiple of 8 bytes
export const SERVER_SIZE = 64;
export const SERVER_OFFSET_NAME_AT = 0;
export const SERVER_OFFSET_NAME_SIZE = 4;
export const SERVER_OFFSET_FLAGS = 8;
export const SERVER_OFFSET_ITEM_FIRST = 12;
export const SERVER_OFFSET_ITEM_COUNT = 16;
export const SERVER_OFFSET_TEMPLATE_FIRST = 20;
export const SERVER_OFFSET_TEMPLATE_COUNT = 24;
export const SERVER_OFFSET_RESERVED = 28;
export const SERVER_OFFSET_INSTRUCTIONS = 32;

export const SERVER_FLAG_OPERATOR_VERIFIED = 1;
export const SERVER_FLAG_BLOCK_TOOL = 2;
export const SERVER_FLAGS_ALL = 3;

// item record, 64 bytes, one cache line: all that a check reads. A name of up to 32 bytes stands
// in it, zero-padded, and its offset is 0; a longer one is in the names section
export const ITEM_SIZE = 64;
export const ITEM_OFFSET_NAME_AT = 0;
export const ITEM_OFFSET_NAME_SIZE = 4;
export const ITEM_OFFSET_KIND = 6;
export const ITEM_OFFSET_EFFECT = 7;
export const ITEM_OFFSET_SERVER = 8;
export const ITEM_OFFSET_FLAGS = 12;
export const ITEM_OFFSET_RESERVED = 14;
export const ITEM_OFFSET_SCOPE = 16;
export const ITEM_OFFSET_NAME = 32;
export const ITEM_NAME_INLINE_SIZE = 32;

// what else is known of an item, 16 bytes, in the same order
export const DETAIL_SIZE = 16;
export const DETAIL_OFFSET_DIGEST_FIRST = 0;
export const DETAIL_OFFSET_DIGEST_COUNT = 4;
export const DETAIL_OFFSET_ADDS_TAINT = 8;
export const DETAIL_OFFSET_STOPS_TAINT = 12;

export const ITEM_FLAG_REQUIRES_LEASE = 1;
export const ITEM_FLAG_REQUIRES_CONSENT = 2;
export const ITEM_FLAG_TAINT_DENIES = 4;
export const ITEM_FLAG_HAS_ARGUMENT_RULES = 8;
/** The item's server is not `operator_verified`: every call is `policy_review`. */
export const ITEM_FLAG_SERVER_UNVERIFIED = 16;
export const ITEM_FLAGS_ALL = 31;

// principal row, 32 bytes: one per pattern of [principals] and of the rules, in the order of the
// patterns; a list is a first word and a count of words in the lists section, strictly ascending
export const PRINCIPAL_SIZE = 32;
export const PRINCIPAL_OFFSET_FLAGS = 0;
export const PRINCIPAL_OFFSET_SERVERS_FIRST = 4;
export const PRINCIPAL_OFFSET_SERVERS_COUNT = 8;
export const PRINCIPAL_OFFSET_RESERVED = 12;
export const PRINCIPAL_OFFSET_CAP = 16;

/** An entry of [principals] is for it: its own, or the longest pattern that covers it. */
export const PRINCIPAL_FLAG_DECLARED = 1;
/** That entry has a `scope`. */
export const PRINCIPAL_FLAG_CAP = 2;
/** That entry has `servers`: the list holds their indices. */
export const PRINCIPAL_FLAG_SERVERS = 4;
export const PRINCIPAL_FLAGS_ALL = 7;

// rule record, 64 bytes, in the order of the catalog; all conditions must hold, and one that is
// absent holds: no flag for a list, all effects, zero for the other masks and the level
export const RULE_SIZE = 64;
/** OUTCOME_DENY, OUTCOME_DRY_RUN or OUTCOME_ASK_USER of frame.ts. */
export const RULE_OFFSET_OUTCOME = 0;
export const RULE_OFFSET_FLAGS = 1;
/** Bit n = effect n. */
export const RULE_OFFSET_EFFECTS = 2;
/** Vetting level at least. */
export const RULE_OFFSET_VETTING = 3;
/** RULE_FACT_* that must be so. */
export const RULE_OFFSET_FACTS_TRUE = 4;
/** RULE_FACT_* that must not be so. */
export const RULE_OFFSET_FACTS_FALSE = 5;
export const RULE_OFFSET_RESERVED = 6;
/** Indices of servers. */
export const RULE_OFFSET_SERVERS_FIRST = 8;
export const RULE_OFFSET_SERVERS_COUNT = 12;
/** Indices of the items that have one of the names. */
export const RULE_OFFSET_ITEMS_FIRST = 16;
export const RULE_OFFSET_ITEMS_COUNT = 20;
/** Indices, from 0, of the principal rows that its patterns cover. */
export const RULE_OFFSET_PRINCIPALS_FIRST = 24;
export const RULE_OFFSET_PRINCIPALS_COUNT = 28;
/** Any of these is in the item's scope. */
export const RULE_OFFSET_SCOPE = 32;
export const RULE_OFFSET_TAINT_ALL = 48;
export const RULE_OFFSET_TAINT_ANY = 52;
export const RULE_OFFSET_RESERVED_END = 56;

export const RULE_FLAG_SERVERS = 1;
export const RULE_FLAG_ITEMS = 2;
export const RULE_FLAG_PRINCIPALS = 4;
export const RULE_FLAGS_ALL = 7;

export const RULE_FACT_STATE_CHANGING = 1;
/** A valid lease that covers the call is at hand. */
export const RULE_FACT_LEASE = 2;
/** A consent record for the call is at hand. */
export const RULE_FACT_CONSENT = 4;
export const RULE_FACTS_ALL = 7;

export const KIND_SERVER = 0;
export const KIND_TOOL = 1;
export const KIND_PROMPT = 2;
export const KIND_RESOURCE = 3;
export const KIND_RESOURCE_TEMPLATE = 4;

export const EFFECT_READ = 1;
export const EFFECT_WRITE = 2;
export const EFFECT_DESTRUCTIVE = 3;
export const EFFECT_EXTERNAL = 4;
/** A set of all four: bit n = effect n. */
export const EFFECTS_ALL = 30;

// index: displacements (u16 each, padded to a multiple of 4 bytes), then slots (u32 each: 0 = empty,
// item index + 1, or SLOT_SERVER_BIT | server index); see assembly/table.ts
export const DISPLACEMENT_SIZE = 2;
export const DISPLACEMENT_MAX = 65535;
export const SLOT_SIZE = 4;
export const SLOT_SERVER_BIT = 1073741824;
/** Records to one displacement, on average. */
export const INDEX_BUCKET_RECORDS = 4;
/** Slots that stay empty: one to so many records. */
export const INDEX_SPARE_RECORDS = 4;

export const DIGEST_SIZE = 32;

// ---- why an image was refused ----------------------------------------------------------------
export const IMAGE_OK = 1;
export const IMAGE_TOO_SMALL = 2;
export const IMAGE_BAD_MAGIC = 3;
export const IMAGE_BAD_ABI = 4;
export const IMAGE_BAD_LAYOUT = 5;
export const IMAGE_BAD_SERVER = 6;
export const IMAGE_BAD_ITEM = 7;
export const IMAGE_BAD_INDEX = 8;
export const IMAGE_BAD_DIGEST = 9;
export const IMAGE_BAD_PRINCIPAL = 10;
export const IMAGE_BAD_RULE = 11;

// ---- admission state, one byte each ----------------------------------------------------------
export const SERVER_NOT_ADMITTED = 0;
export const SERVER_ADMITTED = 1;
export const SERVER_REFUSED = 2;
export const SERVER_INSTRUCTIONS_DRIFTED = 3;

export const ITEM_UNSEEN = 0;
export const ITEM_ADMITTED = 1;
export const ITEM_DRIFTED = 2;

// ---- strict JSON reader ----------------------------------------------------------------------
export const READ_OK = 0;
export const READ_SYNTAX = 1;
export const READ_DUPLICATE = 2;
export const READ_UTF8 = 3;
export const READ_SURROGATE = 4;
export const READ_CONTROL = 5;
export const READ_DEPTH = 6;
export const READ_NUMBER = 7;
export const READ_SIZE = 8;
export const READ_TRAILING = 9;
export const READ_LINE_BREAK = 10;
export const READ_SHAPE = 11;
export const READ_MEMBER_VARIANT = 12;
export const READ_ID = 13;
export const READ_NAME = 14;

/** Lone-surrogate escapes and any valid JSON number pass (results other than listings). */
export const READ_FLAG_LENIENT = 1;
/**
 * Line breaks are white space (HTTP bodies, files). Without it a message is one line: a line feed
 * may end it, and a carriage return may stand before that end.
 */
export const READ_FLAG_LINE_BREAKS = 2;
/** The result is a listing: three more levels, since a definition's depth restarts at its brace. */
export const READ_FLAG_LISTING = 4;

// ---- message frame: i32 words, spans are byte offsets from the start of the message ----------
export const MESSAGE_MALFORMED = 0;
export const MESSAGE_REQUEST = 1;
export const MESSAGE_NOTIFICATION = 2;
export const MESSAGE_RESULT = 3;
export const MESSAGE_ERROR = 4;

export const ID_NONE = 0;
export const ID_STRING = 1;
export const ID_INTEGER = 2;
export const ID_NULL = 3;

export const METHOD_OTHER = 0;
export const METHOD_TOOLS_CALL = 1;
export const METHOD_PROMPTS_GET = 2;
export const METHOD_RESOURCES_READ = 3;
export const METHOD_RESOURCES_SUBSCRIBE = 4;
export const METHOD_RESOURCES_UNSUBSCRIBE = 5;

export const FRAME_WORD_KIND = 0;
export const FRAME_WORD_ERROR = 1;
export const FRAME_WORD_ERROR_AT = 2;
export const FRAME_WORD_ID_TYPE = 3;
export const FRAME_WORD_ID_START = 4;
export const FRAME_WORD_ID_END = 5;
export const FRAME_WORD_METHOD = 6;
export const FRAME_WORD_METHOD_START = 7;
export const FRAME_WORD_METHOD_END = 8;
export const FRAME_WORD_PARAMS_START = 9;
export const FRAME_WORD_PARAMS_END = 10;
/** UTF-8 bytes of the decoded `params.name` or `params.uri`, in the name buffer; -1 = too long. */
export const FRAME_WORD_NAME_SIZE = 11;
export const FRAME_WORD_NAME_START = 12;
export const FRAME_WORD_NAME_END = 13;
export const FRAME_WORD_ARGUMENTS_START = 14;
export const FRAME_WORD_ARGUMENTS_END = 15;
export const FRAME_WORD_RESULT_START = 16;
export const FRAME_WORD_RESULT_END = 17;
export const FRAME_WORD_FAILURE_START = 18;
export const FRAME_WORD_FAILURE_END = 19;
export const FRAME_WORD_META_START = 20;
export const FRAME_WORD_META_END = 21;
export const FRAME_WORD_HANDLE = 22;
export const FRAME_SIZE_BYTES = 128;

// ---- one entry per definition that `listNext` read, i32 words, then the digest ---------------
export const LIST_ENTRY_SIZE = 64;
export const LIST_ENTRY_WORD_START = 0;
export const LIST_ENTRY_WORD_END = 1;
/** READ_OK, or why this definition is refused. */
export const LIST_ENTRY_WORD_STATUS = 2;
/** Raw span of the name between its quotes; both 0 when there is no readable one. */
export const LIST_ENTRY_WORD_NAME_START = 3;
export const LIST_ENTRY_WORD_NAME_END = 4;
export const LIST_ENTRY_OFFSET_DIGEST = 32;
export const LIST_ENTRY_COUNT_MAX = 8;
/** `listNext` could not find the end of an element: nothing after it is readable. */
export const LIST_BROKEN = -1;

// ---- `manifestNext`: KIND_TOOL ... KIND_RESOURCE_TEMPLATE, or one of these -------------------
export const MANIFEST_END = 0;
/** The value of `instructions`, a string; its raw span is in the frame's name words. */
export const MANIFEST_INSTRUCTIONS = 5;
/** Members of a manifest's outermost object. */
export const LIMIT_MANIFEST_MEMBERS = 128;
