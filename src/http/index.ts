// The HTTP guard: web-standard, for Node, Deno, Bun and Workers.
export type { AuthOptions, StaticToken } from "./auth.ts";
export type { JwtOptions } from "./auth-jwt.ts";
export type { Fetch } from "./guarded-fetch.ts";
export { createGuardHandler, type GuardHandler } from "./handler.ts";
export type { Link, LinkEvents, LinkFactory, Outgoing } from "./link.ts";
export type { GuardHandlerOptions, HttpRecord, Upstream } from "./options.ts";
