// Limits of the arguments layer (40-gateway section 4). Each has a test at the limit and beyond.

/** Subschemas of one input schema, its root and boolean ones counted. */
export const LIMIT_SUBSCHEMAS = 4096;

/**
 * Steps of one validation: about one per visited pair of subschema and value, and one per member,
 * element or 16 UTF-16 units that a keyword has to look through.
 */
export const LIMIT_SCHEMA_STEPS = 2_097_152;

/** Nested visits of one validation, `$ref` counted: what keeps the call stack bounded. */
export const LIMIT_SCHEMA_NESTING = 256;

/** Subschemas of all compiled schemas that a cache keeps. */
export const LIMIT_CACHED_SUBSCHEMAS = 65_536;

/** Compiled schemas that a cache keeps. */
export const LIMIT_CACHED_SCHEMAS = 4096;
