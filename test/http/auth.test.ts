// Who is let in: tokens, JSON Web Tokens, and everybody who is not.
import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import { createGuardHandler } from "../../src/http/handler.ts";
import type { GuardHandlerOptions } from "../../src/http/options.ts";
import { FIXTURE_ARGUMENTS } from "../fixtures/calls.ts";
import { NOW_MS } from "../fixtures/trust.ts";
import { trust } from "../proxy/rig.ts";
import { call, digestOf, httpCatalogToml, HttpRig, reasonOf, TOKEN, TOKENS } from "./rig.ts";

const PARAMS = { name: "read_text_file", arguments: FIXTURE_ARGUMENTS.get("read_text_file") };
const ISSUER = "https://issuer.example";
const AUDIENCE = "https://guard.example/mcp";
const NOW_S = Math.floor(NOW_MS / 1000);

type Key = Awaited<ReturnType<typeof generateKeyPair>>["privateKey"];
let key: Key;
let otherKey: Key;
let jwk: JWK;

beforeAll(async () => {
  const pair = await generateKeyPair("ES256", { extractable: true });
  key = pair.privateKey;
  jwk = { ...(await exportJWK(pair.publicKey)), kid: "k1", alg: "ES256" };
  otherKey = (await generateKeyPair("ES256")).privateKey;
});

interface Claims {
  readonly iss?: string;
  readonly aud?: string | string[];
  readonly sub?: string;
  readonly exp?: number;
  readonly nbf?: number;
  readonly jti?: string;
}

const GOOD: Claims = { iss: ISSUER, aud: AUDIENCE, sub: "agent:a", exp: NOW_S + 60 };

function sign(claims: Claims, by: Key = key, header: object = {}): Promise<string> {
  const payload = JSON.parse(JSON.stringify(claims));
  return new SignJWT(payload).setProtectedHeader({ alg: "ES256", kid: "k1", ...header }).sign(by);
}

function jwtRig(extra: Partial<GuardHandlerOptions> = {}): Promise<HttpRig> {
  const jwt = { issuer: ISSUER, audience: AUDIENCE, jwks: { keys: [jwk] } };
  return HttpRig.start({}, { auth: { jwt }, ...extra });
}

async function statusOf(rig: HttpRig, token: string | null): Promise<number> {
  return (await rig.modern("tools/call", PARAMS, { token })).status;
}

async function expectOutside(rig: HttpRig, token: string | null): Promise<void> {
  const response = await rig.modern("tools/call", PARAMS, { token });
  expect(response.status).toBe(401);
  expect(response.headers.get("www-authenticate")).toMatch(/^Bearer realm="portcullis"/);
  const text = await response.text();
  expect(text).toBe("authentication is required\n");
  expect(rig.upstream.seen).toEqual([]);
  expect(rig.records.at(-1)).toMatchObject({ kind: "drop", reason: "identity_unknown" });
  if (token !== null) expect(JSON.stringify(rig.records)).not.toContain(token);
}

describe("bearer tokens", () => {
  it.each([
    ["no token", null],
    ["another token", "token-of-nobody-0123456789abcdef"],
    ["the digest in the place of the token", digestOf(TOKEN)],
    ["a token and one character more", `${TOKEN}0`],
    ["a part of a token", TOKEN.slice(0, -1)],
  ])("%s is refused before anything is sent", async (_what, token) => {
    await expectOutside(await HttpRig.start(), token);
  });

  it("another scheme, or a token in the query, is no token", async () => {
    const rig = await HttpRig.start();
    for (const authorization of [
      `Basic ${btoa(`a:${TOKEN}`)}`,
      TOKEN,
      `Bearer ${TOKEN} ${TOKEN}`,
    ]) {
      const response = await rig.modern("tools/call", PARAMS, {
        token: null,
        headers: { authorization },
      });
      expect(response.status).toBe(401);
    }
    const url = `http://localhost:8787/mcp/filesystem?access_token=${TOKEN}`;
    expect((await rig.modern("tools/call", PARAMS, { token: null, url })).status).toBe(401);
    expect(rig.upstream.seen).toEqual([]);
  });

  it("a token holds until its end, and not in that moment", async () => {
    let nowMs = NOW_MS;
    const tokens = [{ sha256: digestOf(TOKEN), principal: "agent:a", expiresAtMs: NOW_MS + 10 }];
    const rig = await HttpRig.start({}, { auth: { tokens }, clock: () => nowMs });
    nowMs = NOW_MS + 9;
    expect(await statusOf(rig, TOKEN)).toBe(200);
    const seen = rig.upstream.seen.length;
    nowMs = NOW_MS + 10;
    expect(await statusOf(rig, TOKEN)).toBe(401);
    expect(rig.upstream.seen).toHaveLength(seen);
  });

  it("the principal of the token is the one of the catalog's rules", async () => {
    const rest = '[principals."agent:a"]\nscope = ["fs.read"]\n';
    const rig = await HttpRig.start({ rest });
    const write = { name: "write_file", arguments: FIXTURE_ARGUMENTS.get("write_file") };
    expect(await reasonOf(await rig.modern("tools/call", PARAMS))).toBe("allowed");
    expect(await reasonOf(await rig.modern("tools/call", write))).toBe("scope_escalation");
    const other = { token: "token-of-agent-b-0123456789abcdef" };
    const response = await rig.modern("tools/call", PARAMS, other);
    expect(await reasonOf(response)).toBe("identity_unknown");
    expect(rig.callsReceived).toBe(1);
  });
});

describe("JSON Web Tokens", () => {
  it("a good one is let in", async () => {
    const rig = await jwtRig();
    const response = await rig.modern("tools/call", PARAMS, { token: await sign(GOOD) });
    expect(await reasonOf(response)).toBe("allowed");
    expect(rig.records.find(({ kind }) => kind === "decision")?.principal).toBe("agent:a");
  });

  it.each<[string, Claims]>([
    ["of another issuer", { ...GOOD, iss: "https://evil.example" }],
    ["for another service", { ...GOOD, aud: "https://other.example" }],
    ["for another service among several", { ...GOOD, aud: ["https://other.example", "x"] }],
    ["for an audience that only begins alike", { ...GOOD, aud: `${AUDIENCE}/` }],
    ["that has expired", { ...GOOD, exp: NOW_S }],
    ["replayed a day later", { ...GOOD, exp: NOW_S - 86_400 }],
    ["that never expires", { iss: ISSUER, aud: AUDIENCE, sub: "agent:a" }],
    ["that does not hold yet", { ...GOOD, nbf: NOW_S + 60 }],
    ["of nobody", { iss: ISSUER, aud: AUDIENCE, exp: NOW_S + 60 }],
    ["of an empty name", { ...GOOD, sub: "" }],
    ["of a name without end", { ...GOOD, sub: "a".repeat(513) }],
  ])("one %s is refused before anything is sent", async (_what, claims) => {
    await expectOutside(await jwtRig(), await sign(claims));
  });

  it("one that somebody else has signed, or nobody, is refused", async () => {
    const rig = await jwtRig();
    await expectOutside(rig, await sign(GOOD, otherKey));
    const encode = (value: object): string =>
      btoa(JSON.stringify(value)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
    await expectOutside(rig, `${encode({ alg: "none" })}.${encode(GOOD)}.`);
    const [head = "", , mac = ""] = (await sign(GOOD)).split(".");
    await expectOutside(rig, `${head}.${encode({ ...GOOD, sub: "admin" })}.${mac}`);
  });

  it("one that takes the public key for a shared secret is refused", async () => {
    const rig = await jwtRig();
    const secret = new TextEncoder().encode(JSON.stringify(jwk));
    const forged = await new SignJWT({ ...GOOD })
      .setProtectedHeader({ alg: "HS256", kid: "k1" })
      .sign(secret);
    await expectOutside(rig, forged);
  });

  it("two tokens of one name are two sessions", async () => {
    const rig = await jwtRig();
    const first = await sign({ ...GOOD, jti: "1" });
    const session = await rig.open({ token: first });
    const second = await sign({ ...GOOD, jti: "2" });
    const list = { jsonrpc: "2.0", id: 1, method: "tools/list" };
    expect((await rig.post(list, { token: second, session })).status).toBe(404);
    expect((await rig.post(list, { token: first, session })).status).toBe(200);
    // the same `jti`, signed again
    const again = await sign({ ...GOOD, jti: "1", exp: NOW_S + 120 });
    const more = { jsonrpc: "2.0", id: 2, method: "tools/list" };
    expect((await rig.post(more, { token: again, session })).status).toBe(200);
  });

  it("C14 a signature that is written in another way is no new session", async () => {
    const rig = await jwtRig();
    const token = await sign(GOOD);
    const session = await rig.open({ token });
    for (const [id, alike] of [mirrored(token), respelled(token)].entries()) {
      expect(alike).not.toBe(token);
      const response = await rig.post(call(id, PARAMS.name, PARAMS.arguments ?? {}), {
        token: alike,
        session,
      });
      expect(await reasonOf(response)).toBe("allowed");
    }
  });

  it("keys that cannot be had let nobody in, and are asked for at one address", async () => {
    const asked: string[] = [];
    const jwks = "https://issuer.example/keys";
    const fetch = (url: string): Promise<Response> => {
      asked.push(url);
      return Promise.resolve(new Response("gone", { status: 500 }));
    };
    const jwt = { issuer: ISSUER, audience: AUDIENCE, jwks, fetch };
    const rig = await HttpRig.start({}, { auth: { jwt } });
    expect(await statusOf(rig, await sign(GOOD))).toBe(503);
    expect(asked).toEqual([jwks]);
    expect(rig.upstream.seen).toEqual([]);
  });
});

describe("a guard that could let anybody in is not made", () => {
  it.each<[string, unknown]>([
    ["without auth", undefined],
    ["with no way to tell callers apart", {}],
    ["with an empty list of tokens", { tokens: [] }],
    ["with a token in the place of its digest", { tokens: [{ sha256: TOKEN, principal: "a" }] }],
    ["with a digest in upper case", { tokens: [{ sha256: "A".repeat(64), principal: "a" }] }],
    ["with a token of nobody", { tokens: [{ sha256: "a".repeat(64), principal: "" }] }],
    ["with one token for two", { tokens: [TOKENS[0], { ...TOKENS[0], principal: "agent:b" }] }],
    ["without an audience", { jwt: { issuer: ISSUER, audience: "", jwks: { keys: [] } } }],
    ["without an issuer", { jwt: { issuer: "", audience: AUDIENCE, jwks: { keys: [] } } }],
    [
      "with keys over plain http",
      { jwt: { issuer: "a", audience: "b", jwks: "http://a.example" } },
    ],
    [
      "with a shared secret",
      { jwt: { issuer: "a", audience: "b", jwks: { keys: [] }, algorithms: ["HS256"] } },
    ],
    [
      "without any algorithm",
      { jwt: { issuer: "a", audience: "b", jwks: { keys: [] }, algorithms: [] } },
    ],
    ["with keys that are none", { jwt: { issuer: "a", audience: "b", jwks: { nothing: 1 } } }],
  ])("%s", async (_what, auth) => {
    const catalog = await trust(httpCatalogToml());
    // as a program without types gives it
    const options = JSON.parse(JSON.stringify({ auth }));
    expect(() => createGuardHandler({ ...options, catalog })).toThrow(
      expect.objectContaining({ code: "CONFIG_INVALID" }),
    );
  });

  it("with auth `none` everybody is one principal, which somebody has to say", async () => {
    const rig = await HttpRig.start({}, { auth: "none" });
    expect(await statusOf(rig, null)).toBe(200);
    expect(rig.records.find(({ kind }) => kind === "decision")?.principal).toBe("local");
  });
});

/** The order of the group of P-256 (FIPS 186-5). */
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** ECDSA: where (r, s) is a signature, (r, order - s) is one of the same text. */
function mirrored(token: string): string {
  const at = token.lastIndexOf(".") + 1;
  const bytes = Buffer.from(token.slice(at), "base64url");
  const s = BigInt(`0x${bytes.subarray(32).toString("hex")}`);
  const other = Buffer.from((P256_ORDER - s).toString(16).padStart(64, "0"), "hex");
  return token.slice(0, at) + Buffer.concat([bytes.subarray(0, 32), other]).toString("base64url");
}

/** 64 bytes leave four bits of the last character to whoever writes it. */
function respelled(token: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const last = alphabet.indexOf(token.at(-1) ?? "");
  return token.slice(0, -1) + (alphabet[last ^ 1] ?? "");
}
