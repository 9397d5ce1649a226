// Attacks on the catalog guard from inside the process, and through URIs and messages.
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/bytes.ts";
import { ScopeGuard } from "../../src/guard/scope-guard.ts";
import { Validator } from "../../src/guard/validator.ts";
import { fingerprintResourceTemplate } from "../../src/manifest/fingerprint.ts";
import type { OracleServer } from "../oracle/check.ts";
import { admitted, codeOf, EXPIRES_MS, LISTING, open, serverOf } from "./guarded.ts";

describe("attacks by the caller's own code", () => {
  it("a catalog that was not opened is no catalog", async () => {
    const catalog = await open(serverOf());
    const { image, catalog: parsed, sha256 } = catalog;
    const fake = Object.create(Object.getPrototypeOf(catalog), { image: { value: image } });
    for (const forged of [{ ...catalog, image, catalog: parsed, sha256 }, fake, null, {}]) {
      expect(codeOf(() => ScopeGuard.fromCatalog(forged))).toBe("ARGUMENT_INVALID");
      expect(codeOf(() => new Validator(forged))).toBe("ARGUMENT_INVALID");
    }
  });

  it("an iterator that asks about another tool does not change the question", async () => {
    const guard = await admitted();
    const scopes: readonly string[] = Object.assign([], {
      *[Symbol.iterator]() {
        guard.resolve("files", "read");
        guard.check({ server: "files", tool: "read" });
        guard.server("files").check("read");
        yield "fs.read";
      },
    });
    for (const tool of ["evil", "reax"]) {
      expect(guard.check({ server: "files", tool, scopes }).reason).toBe("tool_smuggle");
      expect(guard.server("files").check(tool, scopes).reason).toBe("tool_smuggle");
      expect(guard.server("evil").check("read", scopes).reason).toBe("unknown_server");
    }
  });

  it("a clock that asks about another tool does not change the question", async () => {
    const catalog = await open(serverOf());
    let guard: ScopeGuard | undefined;
    let isAsking = false;
    const clock = (): number => {
      if (!isAsking && guard !== undefined) {
        isAsking = true;
        guard.check({ server: "files", tool: "read" });
        guard.server("nobody").check("read");
        isAsking = false;
      }
      return EXPIRES_MS - 1;
    };
    guard = ScopeGuard.fromCatalog(catalog, { clock });
    guard.admit(new Validator(catalog).validate("files", LISTING));
    expect(guard.check({ server: "files", tool: "evil" }).reason).toBe("tool_smuggle");
    expect(guard.server("files").check("evil").reason).toBe("tool_smuggle");
    expect(guard.server("files").check("write").reason).toBe("allowed");
    const call = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"evil"}}';
    expect(guard.checkMessage("files", utf8(call)).reason).toBe("tool_smuggle");
  });

  it("a look-alike of a scope set is no scope set", async () => {
    const guard = await admitted();
    const real = guard.scopes(["admin"]);
    const forged = Object.create(real, { w0: { value: { valueOf: () => 1 } } });
    expect(codeOf(() => guard.check({ server: "files", tool: "read", scopes: forged }))).not.toBe(
      "",
    );
    const handle = guard.resolve("files", "read");
    if (handle === undefined) throw new Error("expected a handle");
    const greedy = Object.create(real, { w0: { value: { valueOf: () => -1 } } });
    expect(guard.checkHandle(handle, greedy).reason).toBe("scope_escalation");
  });
});

describe("resource templates", () => {
  it("do not match what a URI parser makes another resource of", async () => {
    const template = (uriTemplate: string): OracleServer["items"][0] => ({
      kind: "resource_template",
      name: uriTemplate,
      fingerprints: [fingerprintResourceTemplate(JSON.stringify({ uriTemplate }))],
      scope: ["fs.read"],
    });
    const templates = ["file:///w/{dir}/{file}", "https://api.example{x}", "db://{t}/rows"];
    const catalog = await open(serverOf({ items: templates.map(template) }));
    const guard = ScopeGuard.fromCatalog(catalog, { clock: () => EXPIRES_MS - 1 });
    const listed = templates.map((uriTemplate) => ({ uriTemplate }));
    guard.admit(new Validator(catalog).validate("files", { resourceTemplates: listed }));
    const read = (uri: string): string => {
      const message = { jsonrpc: "2.0", id: 1, method: "resources/read", params: { uri } };
      return guard.checkMessage("files", utf8(JSON.stringify(message))).reason;
    };
    for (const uri of [
      "file:///w/a/b",
      "file:///w/..a/.b",
      "https://api.example.org",
      "db://t/rows",
    ]) {
      expect(read(uri), uri).toBe("allowed");
    }
    for (const uri of [
      "file:///w/../passwd",
      "file:///w/./b",
      "file:///w/a/..",
      "file:///w/.\t./passwd",
      "file:///w/a/b\n",
      "file:///w/a/b\u0000",
      "file:///w/a%2f../b",
      "https://api.example@evil.example",
      "https://api.example:8080",
      "db://t@evil/rows",
    ]) {
      expect(read(uri), uri).toBe("tool_smuggle");
    }
  });
});

describe("checkMessage", () => {
  it("decides a dispatch by its pins and nothing else at all", async () => {
    const guard = await admitted();
    const check = (message: string): string => guard.checkMessage("files", utf8(message)).reason;
    const call = (name: string): string =>
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${name}","arguments":{}}}`;
    expect(check(call("read"))).toBe("allowed");
    expect(check(call("r\\u0065ad"))).toBe("allowed");
    expect(check(call("nothing"))).toBe("tool_smuggle");
    expect(check(call("x".repeat(129)))).toBe("tool_smuggle");
    expect(check(call("read").replace("tools/call", "tools\\/call"))).toBe("allowed");
    for (const method of ["ping", "tools/list", "Tools/Call", "tools/call ", "prompts/list"]) {
      expect(check(call("read").replace("tools/call", method)), method).toBe("feature_denied");
    }
    expect(check('{"jsonrpc":"2.0","method":"notifications/initialized"}')).toBe("feature_denied");
    expect(check('{"jsonrpc":"2.0","id":1,"result":{}}')).toBe("feature_denied");
    for (const bad of [
      "",
      "{}",
      `[${call("read")}]`,
      `${call("read")} x`,
      `\ufeff${call("read")}`,
    ]) {
      expect(check(bad), bad).toBe("malformed_message");
    }
    expect(check(call("read").replace('"name"', '"name":"x","name"'))).toBe("malformed_message");
    expect(check(call("read").replace('"id":1,', ""))).toBe("malformed_message");
    for (const end of ["\r", "\n", "\r\n"]) expect(check(call("read") + end)).toBe("allowed");
    // D11: on a pipe, each of these is more than one line, and one of them a call of its own
    for (const inner of ["\n", "\r", "\r\n", `\n${call("evil")}\n`]) {
      const text = call("read").replace('"arguments":{}', `"arguments":{"a":[${inner}]}`);
      expect(check(text), text).toBe("malformed_message");
    }
    expect(check(`\r${call("read")}`)).toBe("malformed_message");
    expect(guard.checkMessage("nobody", utf8(call("read"))).reason).toBe("unknown_server");
  });

  it("a message over the configured limit is malformed, at the limit it is read", async () => {
    const catalog = await open(serverOf());
    const options = { clock: () => EXPIRES_MS - 1, messageSizeMax: 1024 };
    const guard = ScopeGuard.fromCatalog(catalog, options);
    guard.admit(new Validator(catalog).validate("files", LISTING));
    const call = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read"}}';
    expect(guard.checkMessage("files", utf8(call.padEnd(1024))).reason).toBe("allowed");
    expect(guard.checkMessage("files", utf8(call.padEnd(1025))).reason).toBe("malformed_message");
  });
});
