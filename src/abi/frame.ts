// The two frames of `decide` (30-kernel section 3): what a decision depends on, and what it comes
// to. Read by both compilers: literals only. They are what the audit log records and replay
// re-executes, so an offset, once published under a version, never changes.
// All integers are little-endian; a time is ms since the epoch as two u32, the low one first.

export const FRAME_VERSION = 1;

// ---- input frame, 576 bytes --------------------------------------------------------------------
//
//   0 magic "PCIF"     4 version        8 size          12 flags (INPUT_FLAG_*)
//  16 outcomes of what the host attests, one byte each ... 27
//  28 server i32      32 item i32      36 principal row  40 now (8)     48 session taint  52 reserved
//  64 requested scope set (16)         80 cap of the session (16)
//  96 image digest   128 digest of the live definition  160 principal  192 session  224 arguments
// 256 lease: id, principal, arguments (32 each), 352 server, item, expires (8), remaining, flags
// 384 consent: principal, session, item, arguments, image (32 each), 544 expires (8), asking, taint,
//     flags, server

export const INPUT_MAGIC = 0x46494350;
export const INPUT_SIZE = 576;
export const INPUT_OFFSET_MAGIC = 0;
export const INPUT_OFFSET_VERSION = 4;
export const INPUT_OFFSET_SIZE = 8;
export const INPUT_OFFSET_FLAGS = 12;
export const INPUT_OFFSET_CATALOG = 16;
export const INPUT_OFFSET_MESSAGE = 17;
export const INPUT_OFFSET_FEATURE = 18;
export const INPUT_OFFSET_IDENTITY = 19;
/** SERVER_NOT_ADMITTED ... SERVER_INSTRUCTIONS_DRIFTED. */
export const INPUT_OFFSET_SERVER_STATE = 20;
/** ITEM_UNSEEN, ITEM_ADMITTED or ITEM_DRIFTED. */
export const INPUT_OFFSET_ITEM_STATE = 21;
/** VETTING_NONE ... VETTING_CRITICAL. */
export const INPUT_OFFSET_VETTING = 22;
export const INPUT_OFFSET_ARGUMENTS = 23;
export const INPUT_OFFSET_SCHEMA = 24;
export const INPUT_OFFSET_CUSTOM = 25;
export const INPUT_OFFSET_AUDIT = 26;
export const INPUT_OFFSET_RESERVED_BYTE = 27;
/** Index of the server in the image; -1 when the catalog does not name it. */
export const INPUT_OFFSET_SERVER = 28;
/** Index of the item in the image; -1 when it is not pinned. */
export const INPUT_OFFSET_ITEM = 32;
/** Row of the principal in the image, counted from 1; 0 = none. */
export const INPUT_OFFSET_PRINCIPAL_ROW = 36;
export const INPUT_OFFSET_NOW = 40;
/** Taint labels of the session and of those it descends from: a mask. */
export const INPUT_OFFSET_TAINT = 48;
export const INPUT_OFFSET_RESERVED = 52;
export const INPUT_RESERVED_SIZE = 12;
export const INPUT_OFFSET_SCOPE = 64;
export const INPUT_OFFSET_CAP = 80;
export const INPUT_OFFSET_IMAGE = 96;
/** SHA-256 item digest of the definition as the server sent it; zeros = not seen. */
export const INPUT_OFFSET_LIVE = 128;
export const INPUT_OFFSET_PRINCIPAL = 160;
export const INPUT_OFFSET_SESSION = 192;
/** The arguments digest (40-gateway section 5). */
export const INPUT_OFFSET_ARGUMENTS_DIGEST = 224;

// the chosen lease; all zeros without INPUT_FLAG_LEASE
export const INPUT_OFFSET_LEASE_ID = 256;
export const INPUT_OFFSET_LEASE_PRINCIPAL = 288;
export const INPUT_OFFSET_LEASE_ARGUMENTS = 320;
/** Index in the image of the server it names; -1 when the catalog does not name it. */
export const INPUT_OFFSET_LEASE_SERVER = 352;
/** Index in the image of the tool of its grant that has the call's name; -1 = none. */
export const INPUT_OFFSET_LEASE_ITEM = 356;
export const INPUT_OFFSET_LEASE_EXPIRES = 360;
/** Invocations left; ignored with LEASE_FLAG_UNLIMITED. */
export const INPUT_OFFSET_LEASE_REMAINING = 368;
export const INPUT_OFFSET_LEASE_FLAGS = 372;
export const INPUT_OFFSET_LEASE_RESERVED = 376;

// the consent record; all zeros without INPUT_FLAG_CONSENT
export const INPUT_OFFSET_CONSENT_PRINCIPAL = 384;
export const INPUT_OFFSET_CONSENT_SESSION = 416;
/** The live definition that the person was shown: its item digest. */
export const INPUT_OFFSET_CONSENT_ITEM = 448;
export const INPUT_OFFSET_CONSENT_ARGUMENTS = 480;
/** Digest of the image whose rules asked. */
export const INPUT_OFFSET_CONSENT_IMAGE = 512;
export const INPUT_OFFSET_CONSENT_EXPIRES = 544;
/** The asking set as it was shown. */
export const INPUT_OFFSET_CONSENT_ASKING = 552;
/** The session's taint as it was shown. */
export const INPUT_OFFSET_CONSENT_TAINT = 556;
export const INPUT_OFFSET_CONSENT_FLAGS = 560;
export const INPUT_OFFSET_CONSENT_SERVER = 564;
export const INPUT_OFFSET_CONSENT_RESERVED = 568;

/** A scope set is requested; without it the requested set is the item's own. */
export const INPUT_FLAG_SCOPE = 1;
/** The session has a cap. */
export const INPUT_FLAG_CAP = 2;
export const INPUT_FLAG_LEASE = 4;
export const INPUT_FLAG_CONSENT = 8;
/** The item drifted before under this catalog, perhaps in another process. */
export const INPUT_FLAG_STICKY_DRIFT = 16;
/** The caller named a lease, which must then hold even where none is required. */
export const INPUT_FLAG_LEASE_NAMED = 32;
/** A person was asked and refused, cancelled, or gave no answer in time. */
export const INPUT_FLAG_CONSENT_REFUSED = 64;
export const INPUT_FLAGS_ALL = 127;

// one byte each; every other number is a refusal of that layer, and so is 0
export const CATALOG_TRUSTED = 1;
export const MESSAGE_READ = 1;
export const FEATURE_ALLOWED = 1;
export const IDENTITY_KNOWN = 1;
export const ARGUMENTS_HOLD = 1;
export const SCHEMA_HOLDS = 1;
export const CUSTOM_NOTHING = 1;
export const CUSTOM_ASKS = 2;
export const CUSTOM_DRY_RUN = 3;
export const AUDIT_AVAILABLE = 1;
/** Nothing can be written, and the host's configuration lets reads pass without a record. */
export const AUDIT_BEST_EFFORT = 2;

export const VETTING_NONE = 0;
export const VETTING_LOW = 1;
export const VETTING_MEDIUM = 2;
export const VETTING_HIGH = 3;
export const VETTING_CRITICAL = 4;

/** The lease may be used for state-changing tools. */
export const LEASE_FLAG_STATE_CHANGING = 1;
/** The lease is for calls with one arguments digest only. */
export const LEASE_FLAG_ARGUMENTS = 2;
export const LEASE_FLAG_UNLIMITED = 4;
export const LEASE_FLAGS_ALL = 7;

/** The consent is for any arguments, not for one digest. */
export const CONSENT_FLAG_ANY_ARGUMENTS = 1;
/** A valid lease was at hand when the person was asked. */
export const CONSENT_FLAG_LEASE = 2;
export const CONSENT_FLAGS_ALL = 3;

// ---- output frame, 64 bytes and the bitmap of matched rules --------------------------------------
//
//   0 magic "PCOF"   4 version    8 size       12 verdict      16 outcome    20 layer
//  24 denying set   28 asking set 32 asking set that remains   36 dry-run set
//  40 lease action  44 lease left 48 taint to add              52 unblock    56 state-changing
//  60 rule count    64 bitmap of matched rules, rule 0 = bit 0 of byte 0, zero-padded to 8 bytes
//
// Size: 64 + 8 * ceil(rules of the image / 64).

export const OUTPUT_MAGIC = 0x464f4350;
export const OUTPUT_HEAD_SIZE = 64;
/** With the bitmap of as many rules as a catalog may have. */
export const OUTPUT_SIZE_MAX = 576;
export const OUTPUT_OFFSET_MAGIC = 0;
export const OUTPUT_OFFSET_VERSION = 4;
export const OUTPUT_OFFSET_SIZE = 8;
export const OUTPUT_OFFSET_VERDICT = 12;
export const OUTPUT_OFFSET_OUTCOME = 16;
export const OUTPUT_OFFSET_LAYER = 20;
export const OUTPUT_OFFSET_DENYING = 24;
export const OUTPUT_OFFSET_ASKING = 28;
export const OUTPUT_OFFSET_ASKING_LEFT = 32;
export const OUTPUT_OFFSET_DRY_RUN = 36;
export const OUTPUT_OFFSET_LEASE_ACTION = 40;
export const OUTPUT_OFFSET_LEASE_REMAINING = 44;
export const OUTPUT_OFFSET_TAINT_ADDED = 48;
export const OUTPUT_OFFSET_UNBLOCK = 52;
export const OUTPUT_OFFSET_STATE_CHANGING = 56;
export const OUTPUT_OFFSET_RULE_COUNT = 60;
export const OUTPUT_OFFSET_RULES = 64;

export const OUTCOME_DENY = 0;
export const OUTCOME_ALLOW = 1;
export const OUTCOME_DRY_RUN = 2;
export const OUTCOME_ASK_USER = 3;

// The layer that decided, in the order in which they are asked.
export const LAYER_KERNEL = 0;
export const LAYER_CATALOG = 1;
export const LAYER_MESSAGE = 2;
export const LAYER_FEATURE = 3;
export const LAYER_SERVER = 4;
export const LAYER_ITEM = 5;
export const LAYER_ADMISSION = 6;
export const LAYER_IDENTITY = 7;
export const LAYER_SCOPE = 8;
export const LAYER_VETTING = 9;
export const LAYER_ARGUMENTS = 10;
export const LAYER_RULES = 11;
export const LAYER_LEASE = 12;
export const LAYER_TAINT = 13;
export const LAYER_CONSENT = 14;
export const LAYER_AUDIT = 15;
/** All of them: an allow. */
export const LAYER_ALL = 16;

// A set of contributors is a mask: bit n = verdict code n, and two bits for policy_* verdicts that
// do not come from a rule of the catalog.
/** The server is not `operator_verified`: policy_review. */
export const CONTRIBUTOR_OPERATOR = 29;
/** A custom rule of the host: policy_denied, policy_review or policy_dry_run. */
export const CONTRIBUTOR_CUSTOM = 30;

export const LEASE_UNTOUCHED = 0;
/** One invocation is taken with this allow. */
export const LEASE_CONSUMED = 1;

// what would change the answer: a mask
export const UNBLOCK_CATALOG = 1;
export const UNBLOCK_ADMISSION = 2;
export const UNBLOCK_IDENTITY = 4;
export const UNBLOCK_SCOPE = 8;
export const UNBLOCK_ARGUMENTS = 16;
export const UNBLOCK_LEASE = 32;
export const UNBLOCK_CONSENT = 64;
export const UNBLOCK_SESSION = 128;
export const UNBLOCK_AUDIT = 256;
