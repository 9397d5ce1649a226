// The command line of `portcullis serve`: where it listens, and how callers are told apart.
import { resolve } from "node:path";

import { GuardError, quote } from "../errors.ts";
import type { AuthOptions } from "../http/auth.ts";
import type { JwtOptions } from "../http/auth-jwt.ts";
import { LOOPBACK_HOSTS } from "../http/request-checks.ts";
import { listOf, usageFault } from "./arguments.ts";
import type { Arguments, CommandSpec, Io, OptionSpec } from "./command.ts";
import { readRequiredText } from "./files.ts";
import { assertNotShared, type Home } from "./home.ts";
import { readOptionalTokens, readTokenFile, tokenFile } from "./token-file.ts";

export const SERVE_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  listen: { type: "string", value: "HOST:PORT", help: "default 127.0.0.1:8787; port 0 is any" },
  tokens: { type: "string", value: "FILE", help: "bearer tokens; default `tokens` of the home" },
  "jwt-issuer": { type: "string", value: "URL", help: "accept its JSON Web Tokens: `iss`" },
  "jwt-audience": { type: "string", value: "NAME", help: "`aud` that names this guard" },
  jwks: { type: "string", value: "URL|FILE", help: "the issuer's keys" },
  "jwt-principal": { type: "string", value: "CLAIM", help: "claim of the principal; default sub" },
  "no-auth": { type: "boolean", help: "everybody may call; on this machine alone" },
  host: { type: "string", value: "LIST", help: "further names that requests may ask for" },
  origin: { type: "string", value: "LIST", help: "origins of pages that may call" },
};

export interface Listen {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  readonly isLoopback: boolean;
}

const LISTEN_DEFAULT = "127.0.0.1:8787";
const PORT_MAX = 65_535;
/** Bytes of a file with keys. */
const LIMIT_JWKS_BYTES = 1_048_576;

/** @throws {GuardError} USAGE */
export function readListen(spec: CommandSpec, args: Arguments): Listen {
  const text = args.text("listen") ?? LISTEN_DEFAULT;
  const [, bracketed, name, digits = ""] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? name;
  const port = Number(digits);
  if (host === undefined || port > PORT_MAX) {
    throw usageFault(spec, "--listen HOST:PORT", quote(text));
  }
  return { host, port, isLoopback: isLoopback(host) };
}

function isLoopback(host: string): boolean {
  const isV4 = /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
  return isV4 || host === "::1" || host.toLowerCase() === "localhost";
}

/** Names that requests may ask for. */
export function readHosts(spec: CommandSpec, args: Arguments, { host }: Listen): readonly string[] {
  const named = args.text("host");
  const own = host.includes(":") ? `[${host}]` : host;
  const isWildcard = host === "0.0.0.0" || /^[0:]+$/.test(host);
  return [
    ...LOOPBACK_HOSTS,
    ...(isWildcard ? [] : [own]),
    ...(named === undefined ? [] : listOf(spec, "host", named)),
  ];
}

/**
 * How callers are told apart. There is no default that lets everybody in.
 *
 * @throws {GuardError} USAGE for options that do not go together, or no authentication where others can
 *   call; CONFIG_INVALID when nothing says who may call; HOME_UNSAFE for a file that others can write
 */
export function readAuth(
  spec: CommandSpec,
  args: Arguments,
  { io, home, listen }: { readonly io: Io; readonly home: Home; readonly listen: Listen },
): AuthOptions | "none" {
  const file = args.text("tokens");
  const jwt = readJwt(spec, args, io);
  if (args.flag("no-auth")) {
    if (file !== undefined || jwt !== undefined) {
      throw usageFault(spec, "--no-auth alone", "tokens or an issuer beside it");
    }
    if (listen.isLoopback) return "none";
    const message = `expected authentication where others can call (${quote(listen.host)}), got --no-auth; listen on 127.0.0.1, or make tokens`;
    throw new GuardError("USAGE", message);
  }
  const tokens =
    file === undefined
      ? readOptionalTokens(tokenFile(home.path))
      : readTokenFile(ownFile(io, file));
  if (tokens.length > 0 || jwt !== undefined) return { tokens, jwt };
  const message =
    "expected something to tell callers by, got no tokens and no issuer; make a token with `portcullis token new`, or say --no-auth on this machine";
  throw new GuardError("CONFIG_INVALID", message);
}

/** A file that nobody but its owner can make say who may call. */
function ownFile(io: Io, name: string): string {
  const file = resolve(io.cwd, name);
  assertNotShared(file);
  return file;
}

function readJwt(spec: CommandSpec, args: Arguments, io: Io): JwtOptions | undefined {
  const issuer = args.text("jwt-issuer");
  const audience = args.text("jwt-audience");
  const jwks = args.text("jwks");
  const principalClaim = args.text("jwt-principal");
  if (issuer === undefined && audience === undefined && jwks === undefined) return undefined;
  if (issuer === undefined || audience === undefined || jwks === undefined) {
    throw usageFault(spec, "--jwt-issuer, --jwt-audience and --jwks together", "not all of them");
  }
  if (/^https?:\/\//.test(jwks)) return { issuer, audience, jwks, principalClaim };
  const file = ownFile(io, jwks);
  const text = readRequiredText(file, LIMIT_JWKS_BYTES);
  try {
    return { issuer, audience, jwks: JSON.parse(text), principalClaim };
  } catch (cause) {
    const message = "expected a JSON Web Key Set, got other text";
    throw new GuardError("CONFIG_INVALID", message, { cause, at: { file } });
  }
}
