// Who calls: a bearer token that the operator has given out, or a JSON Web Token of an issuer that the
// operator trusts (RFC 6750, RFC 7519). The token never goes further than this.
import { fromHex, toHex, utf8 } from "../bytes.ts";
import type { Clock } from "../clock.ts";
import { GuardError, quote } from "../errors.ts";
import { sha256 } from "../kernel/digest.ts";
import { type JwtOptions, JwtVerifier } from "./auth-jwt.ts";
import type { AuthRefusal, Caller } from "./auth-types.ts";
import { LIMIT_TOKEN_CHARACTERS } from "./limits.ts";

/** One token that the operator has given out. The token itself is never stored. */
export interface StaticToken {
  /** SHA-256 of the token's ASCII bytes: 64 lower-case hex digits, with or without `sha256:`. */
  readonly sha256: string;
  /** Who it makes the caller; as principals are named in the catalog. */
  readonly principal: string;
  /** ms since the epoch; from then on it is refused. Default: never. */
  readonly expiresAtMs?: number | undefined;
}

export interface AuthOptions {
  readonly tokens?: readonly StaticToken[] | undefined;
  readonly jwt?: JwtOptions | undefined;
}

/** RFC 6750 section 2.1: `b64token`. */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/** Finds the caller of a request. */
export type Authenticator = (headers: Headers) => Promise<Caller | AuthRefusal>;

/**
 * @param auth `none` makes everybody one principal: only for a guard that nobody else can reach
 * @throws {GuardError} CONFIG_INVALID when it would let nobody in, or a member has a wrong value
 */
export function authenticatorOf(
  auth: AuthOptions | "none",
  { principal, clock }: { readonly principal: string; readonly clock: Clock },
): Authenticator {
  if (auth === "none") return () => Promise.resolve({ principal, credential: "none" });
  const tokens = readTokens(auth.tokens ?? []);
  const jwt = auth.jwt === undefined ? undefined : new JwtVerifier(auth.jwt, clock);
  if (tokens.size === 0 && jwt === undefined) {
    const message = "expected tokens or jwt to tell callers by, got neither";
    throw new GuardError("CONFIG_INVALID", message);
  }
  return async (headers) => {
    const token = bearerOf(headers);
    if (token === undefined) return refusal("no bearer token");
    const digest = toHex(sha256(utf8(token)));
    // WHY: what is looked up is a digest; how long that takes says nothing of the token
    const known = tokens.get(digest);
    if (known !== undefined) {
      const isOver = known.expiresAtMs !== undefined && !(clock() < known.expiresAtMs);
      if (isOver) return refusal("a token that has expired");
      return { principal: known.principal, credential: `token:${digest}` };
    }
    return jwt === undefined ? refusal("an unknown token") : await jwt.verify(token);
  };
}

function refusal(detail: string): AuthRefusal {
  return { status: 401, detail };
}

export function isCaller(found: Caller | AuthRefusal): found is Caller {
  return "principal" in found;
}

function bearerOf(headers: Headers): string | undefined {
  const value = headers.get("authorization") ?? "";
  const [, token] = /^bearer +(\S+)$/i.exec(value) ?? [];
  const isShort = token !== undefined && token.length <= LIMIT_TOKEN_CHARACTERS;
  return isShort && TOKEN.test(token) ? token : undefined;
}

function readTokens(list: readonly StaticToken[]): ReadonlyMap<string, StaticToken> {
  const found = new Map<string, StaticToken>();
  for (const token of list) {
    const hex = token.sha256.replace(/^sha256:/, "");
    if (hex.length !== 64 || fromHex(hex) === undefined) {
      const message = `expected the SHA-256 of a token as 64 lower-case hex digits, got ${hex.length} characters`;
      throw new GuardError("CONFIG_INVALID", message);
    }
    if (token.principal === "") {
      throw new GuardError(
        "CONFIG_INVALID",
        "expected the principal of a token, got an empty name",
      );
    }
    if (found.has(hex)) {
      const message = `expected each token once, got that of ${quote(token.principal)} twice`;
      throw new GuardError("CONFIG_INVALID", message);
    }
    found.set(hex, { ...token });
  }
  return found;
}
