import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  argumentText,
  LIMIT_SHOWN_ARGUMENTS,
  LIMIT_SHOWN_MEMBERS,
  LIMIT_SHOWN_TEXT,
  UNREADABLE_ARGUMENTS,
} from "../../src/guard/argument-text.ts";
import { isSecretKey, maskSecrets } from "../../src/guard/secret-text.ts";

// made up for this test, none of them is anybody's
const RANDOM = "q7Zt1Kx9Rb4Lm2Ws8Dv5Hn3Jc6Pf0Gy";
const JWT = `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.${RANDOM}`;
const PEM = `-----BEGIN EC PRIVATE KEY-----\n${RANDOM}\n-----END EC PRIVATE KEY-----`;

describe("secrets in arguments", () => {
  it.each([
    "token",
    "access_token",
    "API_KEY",
    "apiKey",
    "x-api-key",
    "Authorization",
    "db-password",
    "clientSecret",
    "pwd",
    "Set-Cookie",
    "private_key",
    "credentials",
  ])("what stands under `%s` is never shown, short as it may be", (key) => {
    expect(isSecretKey(key)).toBe(true);
    const shown = argumentText({ [key]: "hunter2" });
    expect(shown).not.toContain("hunter2");
    expect(shown).toContain("<masked: secret, 7 characters>");
  });

  it("nor is anything inside of it, numbers included", () => {
    const shown = argumentText({ credentials: { user: "bob", pin: [4711, true] } });
    expect(shown).not.toMatch(/bob|4711/);
    expect(shown).toContain("true");
  });

  it.each([
    "path",
    "key",
    "keyboard",
    "passenger",
    "max_length",
    "title",
  ])("what stands under `%s` is shown", (key) => {
    expect(argumentText({ [key]: "value" })).toContain('"value"');
  });

  it("a number of tokens is a number, a token is not", () => {
    expect(argumentText({ max_tokens: 4096 })).toContain("4096");
    expect(argumentText({ token: 4096 })).not.toContain("4096");
    expect(argumentText({ max_tokens: "secret1" })).not.toContain("secret1");
  });

  it.each([
    ["a JSON web token", JWT],
    ["an API key", `sk-proj-${RANDOM}`],
    ["a GitHub token", `ghp_${RANDOM}`],
    ["a fine-grained one", `github_pat_${RANDOM}`],
    ["a GitLab token", `glpat-${RANDOM}`],
    ["a Slack token", `xoxb-${RANDOM}`],
    ["an AWS key id", "AKIAQ7ZT1KX9RB4LM2WS"],
    ["a private key", PEM],
    ["random text", RANDOM],
    ["random base64", "3q2+7wABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZ/hsc9A"],
    ["random hex", "9f86d081884c7d659a2feaa0c55ad015"],
  ])("%s is masked anywhere in a text", (_, secret) => {
    for (const text of [secret, `use ${secret} now`, `https://host/x/${secret}/y`]) {
      const shown = maskSecrets(text);
      expect(shown).toContain("<masked: ");
      expect(shown).not.toContain(secret.slice(0, 24));
      expect(shown).not.toContain(secret.slice(-16));
    }
  });

  it.each([
    ["Authorization: Bearer abcdefgh1", "abcdefgh1"],
    ["Authorization: Basic dXNlcjpwYXNz==", "dXNlcjpwYXNz"],
    ["postgres://bob:hunter2@db/x", "hunter2"],
    ["mysql --password=hunter2", "hunter2"],
    ["?access_token=hunter2&x=1", "hunter2"],
    ['{"api_key": "hunter2"}', "hunter2"],
  ])("`%s` hides the value it carries", (text, secret) => {
    expect(maskSecrets(text)).not.toContain(secret);
  });

  it.each([
    "/home/user/projects/portcullis/src/guard/argument-text.ts",
    "internationalization-and-localization",
    "550e8400-e29b-41d4-a716-446655440000",
    "a basic understanding of tokens is enough for this task",
    "https://example.com/docs/getting-started/installation",
    "createScopeLeaseForPrincipalAndServer",
    "DELETE FROM customers WHERE id = 12345678",
  ])("`%s` is what the person decides about, and is shown", (text) => {
    expect(maskSecrets(text)).toBe(text);
  });
});

describe("argumentText", () => {
  it("is one member a line, in the order of the canonical form", () => {
    expect(argumentText('{"b":[1,{"c":null}],"a":{},"d":[]}')).toBe(
      '{\n  "a": {}\n  "b": [\n    1\n    {\n      "c": null\n    }\n  ]\n  "d": []\n}',
    );
    expect(argumentText(undefined)).toBe("{}");
  });

  it("a text cannot leave its line or its quotes, or hide characters", () => {
    const shown = argumentText({ a: 'x"\n}\nchoices: once\u202e\u200b\u2028', "b\n": "\u{e0041}" });
    expect(shown.split("\n")).toHaveLength(4);
    expect(shown).toContain("<U+202E><U+200B><U+2028>");
    expect(shown).toContain("<U+E0041>");
  });

  it("400 characters are shown whole; of 401 the middle is left out and counted", () => {
    const whole = "ab ".repeat(200).slice(0, LIMIT_SHOWN_TEXT);
    expect(argumentText({ a: whole })).toContain(whole);
    const cut = argumentText({ a: `${whole}z` });
    expect(cut).toContain("(… 1 of 401 characters left out …)");
    expect(cut).toContain('z"');
  });

  it("a huge text is cut at both ends, secrets there masked, its length told", () => {
    const text = `${RANDOM} ${"ab ".repeat(100_000)} ${RANDOM}`;
    const shown = argumentText({ a: text });
    expect(shown.length).toBeLessThan(600);
    expect(shown).toContain(`of ${text.length} characters left out`);
    expect(shown).not.toContain(RANDOM.slice(0, 8));
  });

  it("100 members are shown and the others counted", () => {
    const list = Array.from({ length: LIMIT_SHOWN_MEMBERS + 1 }, () => 1);
    expect(argumentText({ a: list })).toContain("(1 more)");
    expect(argumentText({ a: list.slice(1) })).not.toContain("more)");
  });

  it("however much there is, what is shown is bounded, and fast", () => {
    const bomb = { a: Array.from({ length: 100 }, () => Array(100).fill("eyJ-".repeat(500))) };
    const start = performance.now();
    expect(argumentText(bomb).length).toBeLessThan(LIMIT_SHOWN_ARGUMENTS * 3);
    expect(performance.now() - start).toBeLessThan(2000);
  });

  it("a `__proto__` of the agent's is shown as any other member", () => {
    expect(argumentText('{"__proto__":{"x":1}}')).toContain('"__proto__"');
  });

  it.each([
    [null],
    [1],
    ["{"],
    [{ a: 1n }],
    ['{"a":1,"a":2}'],
  ])("what the strict reader refuses is called unreadable, never shown as something else", (args) => {
    expect(argumentText(args)).toBe(UNREADABLE_ARGUMENTS);
  });

  it("never throws, and never shows what stands under a secret name", () => {
    fc.assert(
      fc.property(fc.anything(), fc.string({ minLength: 3 }), (value, secret) => {
        expect(typeof argumentText(value)).toBe("string");
        const marked = `zq${secret}qz`;
        const shown = argumentText({ a: [{ password: marked }] });
        expect(shown).not.toContain("zq");
      }),
    );
  });
});
