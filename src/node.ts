// portcullis/node: what a Node host needs beside the neutral entry.
export { readAuditFolder } from "./audit/file-folder.ts";
export { FileAuditLog, type FileLogOptions } from "./audit/file-log.ts";
export { FileObjects } from "./audit/file-objects.ts";
export { FileTrustState } from "./cli/state-file.ts";
export { type ChildLinkOptions, childLinks } from "./http/node-child-link.ts";
export { nodeFetch } from "./http/node-fetch.ts";
export { createNodeServer, type RequestHandler } from "./http/node-server.ts";
export type { CatalogUpdates } from "./proxy/catalog-reload.ts";
export type { GuardRecord, RecordSink } from "./proxy/records.ts";
export { runStdioGuard, type StdioGuardOptions } from "./proxy/stdio-run.ts";
export { openSqliteStore, type SqliteStoreOptions } from "./store/sqlite.ts";
export type { SqliteDriverName } from "./store/sqlite-driver.ts";
