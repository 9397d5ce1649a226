// The public API of the catalog guard, and attacks on it from inside the process.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/bytes.ts";
import type { TrustedCatalog } from "../../src/catalog/trusted.ts";
import { GuardError } from "../../src/errors.ts";
import { BoundServer } from "../../src/guard/bound-server.ts";
import { ScopeGuard } from "../../src/guard/scope-guard.ts";
import { Validator } from "../../src/guard/validator.ts";
import {
  fingerprintInstructions,
  fingerprintResourceTemplate,
  fingerprintTool,
} from "../../src/manifest/fingerprint.ts";
import { openOracleCatalog } from "../fixtures/oracle-catalog.ts";
import type { OracleServer } from "../oracle/check.ts";

const EXPIRES_MS = 1_800_000_000_000;
const READ = '{"name":"read","inputSchema":{"type":"object"}}';
const WRITE = '{"name":"write","inputSchema":{"type":"object"}}';
const LISTING = `{"tools":[${READ},${WRITE}]}`;

function serverOf(changes: Partial<OracleServer> = {}): OracleServer {
  const item = (
    name: string,
    text: string,
    scope: readonly string[],
  ): OracleServer["items"][0] => ({
    kind: "tool",
    name,
    fingerprints: [fingerprintTool(text)],
    scope,
  });
  return {
    id: "files",
    operatorVerified: true,
    onDrift: "block-server",
    items: [item("read", READ, ["fs.read"]), item("write", WRITE, ["fs.read", "fs.write"])],
    ...changes,
  };
}

function open(...servers: readonly OracleServer[]): Promise<TrustedCatalog> {
  return openOracleCatalog({ expiresMs: EXPIRES_MS, operatorScopes: ["zz"], servers });
}

async function admitted(changes: Partial<OracleServer> = {}): Promise<ScopeGuard> {
  const catalog = await open(serverOf(changes));
  const guard = ScopeGuard.fromCatalog(catalog, { clock: () => EXPIRES_MS - 1 });
  guard.admit(new Validator(catalog).validate("files", LISTING));
  return guard;
}

function reasonOf(guard: ScopeGuard, tool: string, server = "files"): string {
  const decision = guard.check({ server, tool });
  expect(guard.server(server).check(tool)).toBe(decision);
  return decision.reason;
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof GuardError) return error.code;
    throw error;
  }
  return "no error";
}

describe("ScopeGuard", () => {
  it("allows nothing before an admission, and what was admitted after", async () => {
    const catalog = await open(serverOf());
    const guard = ScopeGuard.fromCatalog(catalog, { clock: () => EXPIRES_MS - 1 });
    expect(reasonOf(guard, "read")).toBe("server_not_admitted");
    guard.admit(new Validator(catalog).validate("files", LISTING));
    const decision = guard.check({ server: "files", tool: "read" });
    expect(decision).toMatchObject({ outcome: "allow", reason: "allowed", code: 1, layer: "all" });
    expect(guard.isAdmitted("files")).toBe(true);
  });

  it("takes no report that a Validator did not make for this very catalog", async () => {
    const catalog = await open(serverOf());
    const other = await open(serverOf());
    const guard = ScopeGuard.fromCatalog(catalog, { clock: () => EXPIRES_MS - 1 });
    const report = new Validator(catalog).validate("files", LISTING);
    const foreign = new Validator(other).validate("files", LISTING);
    for (const forged of [{ ...report }, structuredClone(report), foreign]) {
      expect(codeOf(() => guard.admit(forged))).toBe("ADMISSION_INVALID");
    }
    expect(reasonOf(guard, "read")).toBe("server_not_admitted");
  });

  it("a report cannot be edited between validation and admission", async () => {
    const catalog = await open(serverOf());
    const report = new Validator(catalog).validate("files", `[{"name":"read","evil":1}]`);
    expect(Object.isFrozen(report) && Object.isFrozen(report.items)).toBe(true);
    expect(report.items.every((item) => Object.isFrozen(item))).toBe(true);
    const guard = ScopeGuard.fromCatalog(catalog, { clock: () => EXPIRES_MS - 1 });
    guard.admit(report);
    expect(reasonOf(guard, "read")).toBe("fingerprint_drift");
  });

  it("drift sticks: the pinned definition shown again is not admitted any more", async () => {
    const catalog = await open(serverOf({ onDrift: "block-tool" }));
    const guard = ScopeGuard.fromCatalog(catalog, { clock: () => EXPIRES_MS - 1 });
    const validator = new Validator(catalog);
    guard.admit(validator.validate("files", LISTING));
    expect(reasonOf(guard, "read")).toBe("allowed");
    guard.admit(validator.validate("files", `[{"name":"read"},${WRITE}]`));
    expect(reasonOf(guard, "read")).toBe("fingerprint_drift");
    guard.admit(validator.validate("files", LISTING));
    expect(reasonOf(guard, "read")).toBe("fingerprint_drift");
    expect(reasonOf(guard, "write")).toBe("allowed");
  });

  it("drifted instructions refuse the server for good, with block-tool they do not", async () => {
    for (const [onDrift, reason] of [
      ["block-server", "fingerprint_drift"],
      ["block-tool", "allowed"],
    ] as const) {
      const instructions = fingerprintInstructions("be careful");
      const guard = await admitted({ onDrift, instructions });
      const server = guard.server("files");
      expect(server.seeInstructions("be careful")).toBe(true);
      expect(reasonOf(guard, "read")).toBe("allowed");
      expect(server.seeInstructions("be careless")).toBe(false);
      expect(reasonOf(guard, "read")).toBe(reason);
      expect(server.seeInstructions("be careful")).toBe(true);
      expect(reasonOf(guard, "read")).toBe(reason);
      expect(server.seeInstructions(undefined)).toBe(false);
    }
  });

  it("A9: no variant of a pinned name is that name", async () => {
    const guard = await admitted();
    const variants = [
      "READ",
      "Read",
      " read",
      "read ",
      "read\u0000",
      "read\n",
      "re\u200dad",
      "r\u0435ad",
      "ｒead",
      "",
      "__proto__",
      "constructor",
      "toString",
      "read".repeat(33),
      "x".repeat(10_000_000),
      "\ud800",
    ];
    for (const tool of variants)
      expect(reasonOf(guard, tool), tool.slice(0, 20)).toBe("tool_smuggle");
    for (const server of [
      "FILES",
      "files ",
      "",
      "__proto__",
      "f\u0456les",
      "x".repeat(1_000_000),
    ]) {
      expect(reasonOf(guard, "read", server), server.slice(0, 20)).toBe("unknown_server");
    }
  });

  it("A9: normal forms and replacement characters are other names", async () => {
    const named = (name: string): OracleServer["items"][0] => ({
      kind: "tool",
      name,
      fingerprints: [fingerprintTool(JSON.stringify({ name }))],
      scope: ["fs.read"],
    });
    const catalog = await open(serverOf({ items: [named("é"), named("\ufffd")] }));
    const guard = ScopeGuard.fromCatalog(catalog, { clock: () => EXPIRES_MS - 1 });
    guard.admit(new Validator(catalog).validate("files", '[{"name":"é"},{"name":"\ufffd"}]'));
    expect(reasonOf(guard, "é")).toBe("allowed");
    expect(reasonOf(guard, "e\u0301")).toBe("tool_smuggle");
    expect(reasonOf(guard, "\ufffd")).toBe("allowed");
    // a TextEncoder would write U+FFFD for these
    for (const lone of ["\ud800", "\udfff"]) expect(reasonOf(guard, lone)).toBe("tool_smuggle");
  });

  it("what is not a string is not a name, and no exception", async () => {
    const guard = await admitted();
    for (const value of [undefined, null, 1, {}, ["read"], Symbol("read"), () => "read"]) {
      // @ts-expect-error: what callers in plain JavaScript may do
      expect(guard.check({ server: "files", tool: value }).reason).toBe("tool_smuggle");
      // @ts-expect-error: the same
      expect(guard.check({ server: value, tool: "read" }).reason).toBe("unknown_server");
    }
  });

  it("asks a getter once, so that it cannot answer twice", async () => {
    const guard = await admitted();
    let asked = 0;
    const request = {
      server: "files",
      get tool(): string {
        asked += 1;
        return asked === 1 ? "read" : "write";
      },
    };
    expect(guard.check(request).reason).toBe("allowed");
    expect(asked).toBe(1);
  });

  it("expires by its clock at every check, and a broken clock is no time", async () => {
    const catalog = await open(serverOf());
    let now: number = EXPIRES_MS - 1;
    const guard = ScopeGuard.fromCatalog(catalog, { clock: () => now });
    guard.admit(new Validator(catalog).validate("files", LISTING));
    expect(reasonOf(guard, "read")).toBe("allowed");
    const handle = guard.resolve("files", "read");
    if (handle === undefined) throw new Error("expected a handle");
    const scopes = guard.scopes(["fs.read"]);
    const wrong = [0, -1, Number.NaN, Infinity, -Infinity, 2 ** 53, 2 ** 64 + 4096, 1e300];
    for (now of [EXPIRES_MS, EXPIRES_MS + 1, ...wrong]) {
      expect(reasonOf(guard, "read"), `${now}`).toBe("catalog_expired");
      expect(guard.checkHandle(handle, scopes).reason, `${now}`).toBe("catalog_expired");
      const message = utf8(
        '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read"}}',
      );
      expect(guard.checkMessage("files", message).reason, `${now}`).toBe("catalog_expired");
    }
    now = 1;
    expect(reasonOf(guard, "read")).toBe("allowed");
  });

  it("a scope beyond the tool's, or a tool beyond the cap, is an escalation", async () => {
    const guard = await admitted();
    const check = (tool: string, scopes: readonly string[]): string =>
      guard.check({ server: "files", tool, scopes }).reason;
    expect(check("read", ["fs.read"])).toBe("allowed");
    expect(check("read", [])).toBe("allowed");
    expect(check("read", ["fs.write"])).toBe("scope_escalation");
    expect(check("read", ["fs.read", "admin"])).toBe("scope_escalation");
    expect(check("read", ["zz"])).toBe("scope_escalation");
    expect(codeOf(() => check("read", ["fs.wirte"]))).toBe("SCOPE_UNKNOWN");
    const catalog = await open(serverOf());
    const options = { clock: () => EXPIRES_MS - 1, scopeCap: ["fs.read"] };
    const capped = ScopeGuard.fromCatalog(catalog, options);
    capped.admit(new Validator(catalog).validate("files", LISTING));
    expect(reasonOf(capped, "read")).toBe("allowed");
    expect(reasonOf(capped, "write")).toBe("scope_escalation");
    expect(codeOf(() => ScopeGuard.fromCatalog(catalog, { scopeCap: ["no"] }))).toBe(
      "SCOPE_UNKNOWN",
    );
  });

  it("handles and scope sets of another guard or catalog are refused", async () => {
    const [mine, theirs] = [await admitted(), await admitted()];
    const handle = mine.resolve("files", "read");
    if (handle === undefined) throw new Error("expected a handle");
    expect(mine.checkHandle(handle, mine.scopes(["fs.read"])).reason).toBe("allowed");
    expect(theirs.checkHandle(handle, theirs.scopes(["fs.read"])).reason).toBe("tool_smuggle");
    const foreign = theirs.scopes(["fs.read"]);
    expect(mine.checkHandle(handle, foreign).reason).toBe("scope_escalation");
    expect(mine.check({ server: "files", tool: "read", scopes: foreign }).reason).toBe(
      "scope_escalation",
    );
    for (const item of [-1, 2, 1e9]) {
      const forged = mine.checkHandle({ owner: mine, item }, mine.scopes(["fs.read"]));
      expect(forged.reason, `${item}`).toBe("tool_smuggle");
    }
    expect(mine.resolve("files", "nothing")).toBeUndefined();
  });

  it("more requested scope never turns a refusal into an allow", async () => {
    const guard = await admitted();
    const names = ["fs.read", "fs.write", "fs.delete", "exec", "admin", "zz"];
    const some = fc.subarray(names);
    fc.assert(
      fc.property(fc.constantFrom("read", "write", "none"), some, some, (tool, less, more) => {
        const outcome = (scopes: readonly string[]): string =>
          guard.check({ server: "files", tool, scopes }).outcome;
        if (outcome(less) === "deny") expect(outcome([...less, ...more])).toBe("deny");
      }),
    );
  });

  it("checks of several servers do not mix their bindings", async () => {
    const web = serverOf({ id: "web", items: [] });
    const catalog = await open(serverOf(), web);
    const guard = ScopeGuard.fromCatalog(catalog, { clock: () => EXPIRES_MS - 1 });
    const validator = new Validator(catalog);
    guard.admit(validator.validate("files", LISTING));
    guard.admit(validator.validate("web", "[]"));
    const [files, second] = [guard.server("files"), guard.server("web")];
    expect(files).toBeInstanceOf(BoundServer);
    for (let round = 0; round < 3; round++) {
      expect(files.check("read").reason).toBe("allowed");
      expect(second.check("read").reason).toBe("tool_smuggle");
      expect(guard.server("nobody").check("read").reason).toBe("unknown_server");
    }
  });
});

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
    expect(guard.checkHandle(handle, forged).reason).toBe("scope_escalation");
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
