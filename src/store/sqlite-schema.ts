// The tables of a SQL store. A change of any of them is a new version.

/** "PCST", so that another program's database is never taken for a store. */
export const APPLICATION_ID = 0x50435354;
export const SCHEMA_VERSION = 1;

/**
 * Lists are JSON texts, flags are 0 or 1. In the order of their names, which is the order in which
 * `SCHEMA_QUERY` gives them.
 */
export const SCHEMA: readonly string[] = [
  `CREATE TABLE consents (id TEXT PRIMARY KEY, principal TEXT NOT NULL, server TEXT NOT NULL,
  kind TEXT NOT NULL, item TEXT NOT NULL, fingerprint TEXT NOT NULL, args_digest TEXT,
  session TEXT NOT NULL, image TEXT NOT NULL, asking INTEGER NOT NULL, taint INTEGER NOT NULL,
  had_lease INTEGER NOT NULL, created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,
  text_hash TEXT NOT NULL, channel TEXT NOT NULL, single_use INTEGER NOT NULL
) STRICT, WITHOUT ROWID`,
  "CREATE INDEX consents_by_expiry ON consents (expires_ms)",
  "CREATE INDEX consents_by_item ON consents (principal, server, fingerprint)",
  `CREATE TABLE drift (server TEXT NOT NULL, catalog TEXT NOT NULL, kind TEXT NOT NULL,
  name TEXT NOT NULL, PRIMARY KEY (server, catalog, kind, name)
) STRICT, WITHOUT ROWID`,
  `CREATE TABLE leases (id TEXT PRIMARY KEY, principal TEXT NOT NULL, server TEXT NOT NULL,
  tools TEXT NOT NULL, created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,
  max_invocations INTEGER, remaining INTEGER, state_changing INTEGER NOT NULL, args_digest TEXT,
  revoked INTEGER NOT NULL
) STRICT, WITHOUT ROWID`,
  "CREATE INDEX leases_by_expiry ON leases (expires_ms)",
  "CREATE INDEX leases_by_principal ON leases (principal, server)",
  `CREATE TABLE logs (origin TEXT PRIMARY KEY, path TEXT NOT NULL, created_ms INTEGER NOT NULL,
  closed_ms INTEGER, public TEXT
) STRICT, WITHOUT ROWID`,
  "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
  `CREATE TABLE nonces (nonce TEXT PRIMARY KEY, expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID`,
  "CREATE INDEX nonces_by_expiry ON nonces (expires_ms)",
  `CREATE TABLE questions (id TEXT PRIMARY KEY, principal TEXT NOT NULL, server TEXT NOT NULL,
  session TEXT NOT NULL, kind TEXT NOT NULL, item TEXT NOT NULL, text TEXT NOT NULL,
  channels TEXT NOT NULL, created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,
  answer TEXT, answer_channel TEXT, answered_ms INTEGER
) STRICT, WITHOUT ROWID`,
  "CREATE INDEX questions_by_expiry ON questions (expires_ms)",
  `CREATE TABLE sessions (hash TEXT PRIMARY KEY, taint INTEGER NOT NULL, parent TEXT
) STRICT, WITHOUT ROWID`,
  "CREATE INDEX sessions_by_parent ON sessions (parent)",
];

/** Everything that was ever created in a database, triggers and views too. */
export const SCHEMA_QUERY =
  "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name COLLATE BINARY";
