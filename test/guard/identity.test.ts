import { createHash, createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GuardError } from "../../src/errors.ts";
import {
  createRequestIdentity,
  isRequestIdentity,
  LIMIT_IDENTITY_SCOPES,
  LIMIT_SESSION_CHAIN,
  type RequestIdentity,
} from "../../src/guard/identity.ts";
import {
  LIMIT_IDENTITY_BYTES,
  PEPPER_SIZE_BYTES_MIN,
  principalHash,
  sessionHash,
} from "../../src/guard/identity-hash.ts";
import { expectCode } from "../fixtures/trust.ts";

const PEPPER = new Uint8Array(PEPPER_SIZE_BYTES_MIN).fill(7);

/** The bytes of 40-gateway section 2, written by hand. */
function framed(tag: string, text: string): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(Buffer.byteLength(text));
  return Buffer.concat([Buffer.from(`${tag}\0`), size, Buffer.from(text)]);
}

function identityOf(principal = "agent:run-abc123", sessionId = "sess-xyz"): RequestIdentity {
  return createRequestIdentity({ principal, sessionId, issuedAt: 1_700_000_000_000 });
}

describe("the hashes of an identity", () => {
  it("a principal's is all of SHA-256 over its tag, its size and its UTF-8", () => {
    const bytes = framed("portcullis:principal:v1", "jürgen");
    expect(principalHash("jürgen")).toBe(createHash("sha256").update(bytes).digest("hex"));
  });

  it("a session's has another tag, so a session named like a principal is not it", () => {
    const bytes = framed("portcullis:session:v1", "s");
    expect(sessionHash("s")).toBe(createHash("sha256").update(bytes).digest("hex"));
    expect(sessionHash("s")).not.toBe(principalHash("s"));
  });

  it("with a pepper nobody can look a principal up without the key", () => {
    const expected = createHmac("sha256", PEPPER)
      .update(framed("portcullis:principal:v1", "alice"))
      .digest("hex");
    expect(principalHash("alice", PEPPER)).toBe(expected);
    expect(principalHash("alice")).not.toBe(expected);
  });

  it("two names that differ in a lone surrogate alone never become one: both are refused", () => {
    expectCode(() => principalHash("\ud800"), "ARGUMENT_INVALID");
    expectCode(() => sessionHash("a\udfff"), "ARGUMENT_INVALID");
  });

  it("takes 2 048 bytes and not one more", () => {
    expect(principalHash("a".repeat(LIMIT_IDENTITY_BYTES))).toHaveLength(64);
    const error = expectCode(
      () => principalHash("a".repeat(LIMIT_IDENTITY_BYTES + 1)),
      "ARGUMENT_INVALID",
    );
    expect(error.message).toBe("expected a principal of at most 2048 bytes, got more");
  });

  it("a pepper that could be guessed is refused", () => {
    expect(principalHash("a", PEPPER)).toHaveLength(64);
    expectCode(() => principalHash("a", PEPPER.subarray(1)), "ARGUMENT_INVALID");
  });
});

describe("createRequestIdentity", () => {
  it("gives a frozen identity with full hashes and the time as text and number", () => {
    expect(identityOf()).toEqual({
      principal: "agent:run-abc123",
      principalHash: principalHash("agent:run-abc123"),
      sessionId: "sess-xyz",
      sessionHash: sessionHash("sess-xyz"),
      ancestorHashes: [],
      issuedAt: "2023-11-14T22:13:20.000Z",
      issuedAtMs: 1_700_000_000_000,
    });
    expect(Object.isFrozen(identityOf())).toBe(true);
    expect(Object.isFrozen(identityOf().ancestorHashes)).toBe(true);
  });

  it.each([
    ["2023-11-14T22:13:20Z"],
    [new Date(1_700_000_000_000)],
    [1_700_000_000_000],
    ["2023-11-14T23:13:20+01:00"],
  ])("takes the time as %s", (issuedAt) => {
    expect(createRequestIdentity({ principal: "p", sessionId: "s", issuedAt }).issuedAtMs).toBe(
      1_700_000_000_000,
    );
  });

  it("a copy, a proxy or an object of the same members is no identity", () => {
    const identity = identityOf();
    expect(isRequestIdentity(identity)).toBe(true);
    expect(isRequestIdentity({ ...identity })).toBe(false);
    expect(isRequestIdentity(Object.create(identity))).toBe(false);
    expect(isRequestIdentity(new Proxy(identity, {}))).toBe(false);
    expect(isRequestIdentity(JSON.parse(JSON.stringify(identity)))).toBe(false);
    expect(isRequestIdentity(undefined)).toBe(false);
  });

  it("the principal that was hashed is the principal that is kept, whatever a getter says next", () => {
    let reads = 0;
    const options = {
      get principal(): string {
        reads += 1;
        return reads === 1 ? "alice" : "root";
      },
      sessionId: "s",
    };
    const identity = createRequestIdentity(options);
    expect(identity.principal).toBe("alice");
    expect(identity.principalHash).toBe(principalHash("alice"));
  });

  it("a sub-agent has every session above it as an ancestor, the nearest first", () => {
    const root = identityOf("p", "root");
    const child = createRequestIdentity({ principal: "q", sessionId: "child", parent: root });
    const grandchild = createRequestIdentity({ principal: "r", sessionId: "gc", parent: child });
    expect(grandchild.parentSessionId).toBe("child");
    expect(grandchild.ancestorHashes).toEqual([sessionHash("child"), sessionHash("root")]);
  });

  it("a parent that is only named is an ancestor all the same", () => {
    const child = createRequestIdentity({
      principal: "q",
      sessionId: "c",
      parentSessionId: "root",
    });
    expect(child.ancestorHashes).toEqual([sessionHash("root")]);
  });

  it("a sub-agent never has a scope that its parent lacks", () => {
    const options = { principal: "p", sessionId: "s", scopes: ["fs.write", "fs.read"] };
    const parent = createRequestIdentity(options);
    const child = createRequestIdentity({
      principal: "p",
      sessionId: "c",
      parent,
      scopes: ["exec", "fs.read"],
    });
    const heir = createRequestIdentity({ principal: "p", sessionId: "d", parent });
    expect(parent.scopeCap).toEqual(["fs.read", "fs.write"]);
    expect(child.scopeCap).toEqual(["fs.read"]);
    expect(heir.scopeCap).toEqual(["fs.read", "fs.write"]);
    expect(Object.isFrozen(child.scopeCap)).toBe(true);
  });

  it.each([
    ["no options", () => Reflect.apply(createRequestIdentity, undefined, [undefined])],
    ["an empty principal", () => createRequestIdentity({ principal: "", sessionId: "s" })],
    ["an empty session", () => createRequestIdentity({ principal: "p", sessionId: "" })],
    [
      "a look-alike as parent",
      () => createRequestIdentity({ principal: "p", sessionId: "c", parent: { ...identityOf() } }),
    ],
    [
      "a session that is its own parent",
      () => createRequestIdentity({ principal: "p", sessionId: "s", parentSessionId: "s" }),
    ],
    [
      "two parents",
      () =>
        createRequestIdentity({
          principal: "p",
          sessionId: "c",
          parent: identityOf(),
          parentSessionId: "another",
        }),
    ],
    [
      "a date that does not exist",
      () =>
        createRequestIdentity({ principal: "p", sessionId: "s", issuedAt: "2026-02-30T00:00:00Z" }),
    ],
    [
      "a broken clock",
      () => createRequestIdentity({ principal: "p", sessionId: "s", clock: () => Number.NaN }),
    ],
    [
      "an empty scope name",
      () => createRequestIdentity({ principal: "p", sessionId: "s", scopes: [""] }),
    ],
  ])("refuses %s", (_, create) => {
    expectCode(create, "ARGUMENT_INVALID");
  });

  it("a chain has 32 sessions and not one more", () => {
    let identity = identityOf("p", "0");
    for (let depth = 1; depth < LIMIT_SESSION_CHAIN; depth++) {
      identity = createRequestIdentity({
        principal: "p",
        sessionId: String(depth),
        parent: identity,
      });
    }
    expect(identity.ancestorHashes).toHaveLength(LIMIT_SESSION_CHAIN - 1);
    const parent = identity;
    expectCode(
      () => createRequestIdentity({ principal: "p", sessionId: "deep", parent }),
      "ARGUMENT_INVALID",
    );
  });

  it("a cap has 128 names and not one more", () => {
    const names = Array.from({ length: LIMIT_IDENTITY_SCOPES + 1 }, (_, index) => `s${index}`);
    const of = (scopes: readonly string[]): RequestIdentity =>
      createRequestIdentity({ principal: "p", sessionId: "s", scopes });
    expect(of(names.slice(1)).scopeCap).toHaveLength(LIMIT_IDENTITY_SCOPES);
    expectCode(() => of(names), "ARGUMENT_INVALID");
  });

  it("whatever comes in, it is an identity or one clear fault, and no text of it in the message", () => {
    const value = fc.anything({ withDate: true, withTypedArray: true, withObjectString: true });
    fc.assert(
      fc.property(
        fc.record(
          { principal: value, sessionId: value, parent: value, scopes: value, issuedAt: value },
          { requiredKeys: [] },
        ),
        (options) => {
          try {
            const made: unknown = Reflect.apply(createRequestIdentity, undefined, [options]);
            expect(isRequestIdentity(made)).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(GuardError);
            expect(error).toMatchObject({ code: "ARGUMENT_INVALID" });
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
