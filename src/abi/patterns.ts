// Byte layout of the pattern file that the text scanner loads (40-gateway section 3), and of what
// the scanner finds. Read by both compilers: literals only.
// All integers are little-endian; offsets are in bytes; sizes carry their unit.

// ---- pattern file ----------------------------------------------------------------------------
//
//   0 magic "PCVP"   4 ABI version    8 total size    12 pattern version
//  16 states        20 atoms         24 uses          28 rules
//  32 slots         36 fold rows     40 first punctuation class     44 reserved
//  48 SHA-256 of the whole file with this field zeroed (32)
//  80 class of each ASCII byte (128) | fold rows | rules | atoms | uses | states; nothing behind

export const PATTERN_MAGIC = 0x50564350;
export const PATTERN_ABI_VERSION = 1;
export const PATTERN_HEADER_SIZE = 80;
export const PATTERN_OFFSET_MAGIC = 0;
export const PATTERN_OFFSET_ABI_VERSION = 4;
export const PATTERN_OFFSET_TOTAL_SIZE = 8;
export const PATTERN_OFFSET_VERSION = 12;
export const PATTERN_OFFSET_STATE_COUNT = 16;
export const PATTERN_OFFSET_ATOM_COUNT = 20;
export const PATTERN_OFFSET_USE_COUNT = 24;
export const PATTERN_OFFSET_RULE_COUNT = 28;
export const PATTERN_OFFSET_SLOT_COUNT = 32;
export const PATTERN_OFFSET_FOLD_COUNT = 36;
export const PATTERN_OFFSET_PUNCTUATION = 40;
export const PATTERN_OFFSET_RESERVED = 44;
export const PATTERN_OFFSET_SHA256 = 48;

export const PATTERN_CLASSES_SIZE = 128;

// fold row, 8 bytes: first code point, with its mode in the top byte; how many more follow (u16);
// target (u16). Rows are in order and do not overlap
export const FOLD_SIZE = 8;
export const FOLD_OFFSET_FIRST = 0;
export const FOLD_OFFSET_MORE = 4;
export const FOLD_OFFSET_TARGET = 6;
/** Every code point of the row becomes the target. */
export const FOLD_MODE_ONE = 0;
/** The first becomes the target, the next the one behind it, and so on. */
export const FOLD_MODE_RUN = 1;
/** Dropped and reported: the target is a rule. */
export const FOLD_MODE_HIDDEN = 2;
/** An emoji: a space to the automaton; selectors and joiners may stand beside it. */
export const FOLD_MODE_EMOJI = 3;
/** Dropped without a word: combining marks. */
export const FOLD_MODE_DROP = 4;

// rule, 16 bytes: its slots are `slot first` to `slot first + stages - 1`, one per stage
export const RULE_SIZE = 16;
export const RULE_OFFSET_SLOT_FIRST = 0;
/** Bytes of text from the end of the first stage to the end of the last. */
export const RULE_OFFSET_WINDOW = 2;
/** Slot of a marker that silences this rule when it was seen within the window; RULE_NO_SLOT. */
export const RULE_OFFSET_UNLESS = 4;
export const RULE_OFFSET_STAGES = 6;
/** Field kinds it looks at, bit 1 << kind. */
export const RULE_OFFSET_FIELDS = 7;
export const RULE_OFFSET_FLAGS = 8;
export const RULE_OFFSET_RESERVED = 9;
export const RULE_NO_SLOT = 65535;
/** All stages lie in one sentence. */
export const RULE_FLAG_SENTENCE = 1;
/** Notes where it was seen last, and is no finding. */
export const RULE_FLAG_MARKER = 2;
export const RULE_FLAGS_ALL = 3;

// atom, 8 bytes: its uses, those of later stages first, and how many letters it has
export const ATOM_SIZE = 8;
export const ATOM_OFFSET_USE_FIRST = 0;
export const ATOM_OFFSET_USE_COUNT = 2;
export const ATOM_OFFSET_LETTERS = 4;
/** Uses that are not of a first stage. */
export const ATOM_OFFSET_LATER_COUNT = 6;

// use, 4 bytes: the slot that the atom fills, and the rule it belongs to
export const USE_SIZE = 4;
export const USE_OFFSET_SLOT = 0;
export const USE_OFFSET_RULE = 2;

// state, 4 bytes, in breadth-first order, the children of one in a row: the class that leads here,
// how many children, and the atom that ends here + 1 (0 = none)
export const STATE_SIZE = 4;
export const STATE_OFFSET_CLASS = 0;
export const STATE_OFFSET_CHILD_COUNT = 1;
export const STATE_OFFSET_ATOM = 2;

/** Kernel memory beside the file: a row of transitions, a failure link and an output per state. */
export const STATE_TABLES_SIZE = 132;
/** The same per slot and per rule. */
export const SLOT_TABLE_SIZE = 8;
export const RULE_TABLE_SIZE = 4;

export const LIMIT_PATTERN_STATES = 32767;
export const LIMIT_PATTERN_RULES = 256;
export const LIMIT_PATTERN_COUNT = 65535;

// classes of folded text
export const CLASS_COUNT = 64;
export const CLASS_OTHER = 0;
export const CLASS_SPACE = 1;
/** Opens a code point that folds to nothing; four nibbles follow, the highest first. */
export const CLASS_POINT = 2;
export const CLASS_NIBBLE = 3;
export const CLASS_LETTER = 19;
/** In the table of ASCII bytes: as if it were not there. */
export const CLASS_DROP = 128;
/** In the table of ASCII bytes: dropped and reported by the first rule. */
export const CLASS_CONTROL = 129;

// ---- why a pattern file was refused ----------------------------------------------------------
export const PATTERN_OK = 1;
export const PATTERN_BAD_LAYOUT = 2;
export const PATTERN_BAD_ABI = 3;
export const PATTERN_BAD_DIGEST = 4;
export const PATTERN_BAD_CONTENT = 5;

// ---- text and findings -----------------------------------------------------------------------
//
// The text is a row of fields, each opened by one byte that no UTF-8 holds: FIELD_BYTE | kind.

export const FIELD_BYTE = 0xf8;
/** The name of a definition. */
export const FIELD_NAME = 0;
/** Descriptions, titles, instructions: prose about the thing. */
export const FIELD_PROSE = 1;
/** Names of parameters and other members. */
export const FIELD_PARAMETER = 2;
/** Values in schemas: enum, const, default, examples, pattern. */
export const FIELD_VALUE = 3;
/** What a server answered. */
export const FIELD_RESULT = 4;
export const FIELD_KINDS_ALL = 31;

// finding, 16 bytes: rule, first byte, byte behind the last one, flags; offsets in the text
export const FINDING_SIZE = 16;
export const FINDING_WORD_RULE = 0;
export const FINDING_WORD_START = 1;
export const FINDING_WORD_END = 2;
export const FINDING_WORD_FLAGS = 3;
/** Stands between quotation marks. */
export const FINDING_FLAG_QUOTED = 1;
/** Room for findings; the scan pauses when half of it is filled. */
export const FINDING_COUNT_MAX = 512;
export const FINDING_COUNT_PAUSE = 256;

// what the shape of the text suggests may be hidden in it
/** A word of at least SHAPE_WORD_SIZE bytes. */
export const SHAPE_LONG_WORD = 1;
/** Sixteen bytes with many separators. */
export const SHAPE_SPACED = 2;
/** Sixteen bytes with digits among letters. */
export const SHAPE_DIGITS = 4;
export const SHAPE_WORD_SIZE = 14;
