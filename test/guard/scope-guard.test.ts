// The public API of the catalog guard.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/bytes.ts";
import { BoundServer } from "../../src/guard/bound-server.ts";
import { ScopeGuard } from "../../src/guard/scope-guard.ts";
import { Validator } from "../../src/guard/validator.ts";
import { fingerprintInstructions, fingerprintTool } from "../../src/manifest/fingerprint.ts";
import type { OracleServer } from "../oracle/check.ts";
import {
  admitted,
  codeOf,
  EXPIRES_MS,
  LISTING,
  open,
  reasonOf,
  serverOf,
  WRITE,
} from "./guarded.ts";

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
