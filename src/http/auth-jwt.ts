// JSON Web Tokens as access tokens (RFC 7519, RFC 8725): signed by a key of the issuer, for this guard,
// not expired. Only asymmetric signatures: a shared secret would let every verifier make tokens.
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from "jose";
import { isWellFormed, toHex, utf8 } from "../bytes.ts";
import type { Clock } from "../clock.ts";
import { GuardError, quote } from "../errors.ts";
import { sha256 } from "../kernel/digest.ts";
import type { AuthRefusal, Caller } from "./auth-types.ts";
import { LIMIT_PRINCIPAL_CHARACTERS } from "./limits.ts";
import { LOOPBACK_HOSTS } from "./request-checks.ts";

export interface JwtOptions {
  /** `iss`, exactly. */
  readonly issuer: string;
  /** One of `aud`, exactly: what names this guard, and no other service. */
  readonly audience: string;
  /** Where the issuer's keys are, https; or the keys themselves. */
  readonly jwks: string | JSONWebKeySet;
  /** The claim that names the principal. Default `sub`. */
  readonly principalClaim?: string | undefined;
  /** Default: every asymmetric algorithm that the library knows and nobody has broken. */
  readonly algorithms?: readonly string[] | undefined;
  /** Seconds by which the issuer's clock may differ. Default 0. */
  readonly clockToleranceSeconds?: number | undefined;
  readonly fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined;
}

const ASYMMETRIC: ReadonlySet<string> = new Set([
  "EdDSA",
  "Ed25519",
  "ES256",
  "ES384",
  "ES512",
  "PS256",
  "PS384",
  "PS512",
  "RS256",
  "RS384",
  "RS512",
]);

/** Verifies tokens of one issuer. */
export class JwtVerifier {
  readonly #options: JwtOptions;
  readonly #clock: Clock;
  readonly #keys: JWTVerifyGetKey;
  readonly #algorithms: string[];
  readonly #claim: string;

  /** @throws {GuardError} CONFIG_INVALID for an empty or unusable member */
  constructor(options: JwtOptions, clock: Clock) {
    const { issuer, audience, algorithms = [...ASYMMETRIC], principalClaim = "sub" } = options;
    for (const [name, value] of Object.entries({ issuer, audience, principalClaim })) {
      if (typeof value === "string" && value !== "") continue;
      throw new GuardError("CONFIG_INVALID", `expected jwt.${name} to be a text, got none`);
    }
    const other = algorithms.find((algorithm) => !ASYMMETRIC.has(algorithm));
    if (other !== undefined || algorithms.length === 0) {
      const got = other === undefined ? "none" : quote(other);
      const message = `expected asymmetric algorithms in jwt.algorithms, got ${got}`;
      throw new GuardError("CONFIG_INVALID", message);
    }
    this.#options = options;
    this.#clock = clock;
    this.#algorithms = [...algorithms];
    this.#claim = principalClaim;
    this.#keys = keysOf(options);
  }

  async verify(token: string): Promise<Caller | AuthRefusal> {
    const { issuer, audience, clockToleranceSeconds = 0 } = this.#options;
    let payload: JWTPayload;
    try {
      const verified = await jwtVerify(token, this.#keys, {
        issuer,
        audience,
        algorithms: this.#algorithms,
        clockTolerance: clockToleranceSeconds,
        currentDate: new Date(this.#clock()),
        requiredClaims: ["exp", this.#claim],
      });
      payload = verified.payload;
    } catch (fault) {
      return refusalOf(fault);
    }
    const principal = payload[this.#claim];
    if (typeof principal !== "string" || !isPrincipal(principal)) {
      return { status: 401, detail: "a token that names no principal" };
    }
    const { jti } = payload;
    if (typeof jti !== "string" || jti === "") {
      return { principal, credential: `jwt:${digestOf(signedPartOf(token))}` };
    }
    return { principal, credential: `jti:${digestOf(JSON.stringify([issuer, jti]))}` };
  }
}

/** WHY: a signature can be written in several ways, and a bearer could make itself a new session of each. */
function signedPartOf(token: string): string {
  return token.slice(0, token.lastIndexOf("."));
}

function digestOf(text: string): string {
  return toHex(sha256(utf8(text)));
}

function isPrincipal(text: string): boolean {
  return text !== "" && text.length <= LIMIT_PRINCIPAL_CHARACTERS && isWellFormed(text);
}

function keysOf({ jwks, fetch }: JwtOptions): JWTVerifyGetKey {
  if (typeof jwks !== "string") {
    try {
      return createLocalJWKSet(jwks);
    } catch (cause) {
      throw new GuardError("CONFIG_INVALID", "expected jwt.jwks to be a JSON Web Key Set", {
        cause,
      });
    }
  }
  const url = URL.canParse(jwks) ? new URL(jwks) : undefined;
  const isLocal = url?.protocol === "http:" && LOOPBACK_HOSTS.includes(url.hostname);
  if (url === undefined || (url.protocol !== "https:" && !isLocal)) {
    const message = `expected jwt.jwks to be an https url, got ${quote(jwks)}`;
    throw new GuardError("CONFIG_INVALID", message);
  }
  return createRemoteJWKSet(url, { ...(fetch !== undefined && { [customFetch]: fetch }) });
}

/** What a caller did wrong is 401; what the keys are to blame for is 503, and nobody is let in. */
function refusalOf(fault: unknown): AuthRefusal {
  if (fault instanceof errors.JWTExpired)
    return { status: 401, detail: "a token that has expired" };
  if (fault instanceof errors.JWTClaimValidationFailed) {
    return { status: 401, detail: `a token whose ${fault.claim} is not what is expected` };
  }
  const isTokens =
    fault instanceof errors.JWTInvalid ||
    fault instanceof errors.JWSInvalid ||
    fault instanceof errors.JWSSignatureVerificationFailed ||
    fault instanceof errors.JOSEAlgNotAllowed ||
    fault instanceof errors.JOSENotSupported ||
    fault instanceof errors.JWKSNoMatchingKey ||
    fault instanceof errors.JWKSMultipleMatchingKeys;
  if (isTokens) return { status: 401, detail: "a token that no trusted key has signed" };
  return { status: 503, detail: "the keys of the issuer cannot be had" };
}
