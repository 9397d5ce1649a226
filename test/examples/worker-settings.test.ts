// What the worker of the examples hands to its guard of what the operator has set.
import { describe, expect, it } from "vitest";
import { readSettings } from "../../examples/worker/settings.js";

describe("settings of examples/worker", () => {
  it("no secret of the guard's own can become a header of a server", () => {
    const env = {
      HOSTS: "guard.example.com",
      TOKENS: "[]",
      CONSENT_KEY: "ab".repeat(32),
      OPERATOR_SHA256: "cd".repeat(32),
      CODE_HOST_AUTHORIZATION: "Bearer of-the-code-host",
      STORE: {},
    };
    const { CODE_HOST_AUTHORIZATION } = env;
    expect(readSettings(env).variables).toEqual({ CODE_HOST_AUTHORIZATION });
  });
});
