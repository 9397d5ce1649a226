import { describe, expect, it } from "vitest";
import {
  admit,
  check,
  type OracleAdmission,
  type OracleCatalog,
  type OracleServer,
  scopeBits,
  scopeMask,
  templateMatches,
} from "./check.ts";
import { fingerprintFile, instructionsDigest } from "./fingerprint.ts";
import { type GuardCase, generateGuardCase } from "./generate-guard.ts";

const GOOD = '{"name":"read","d":1}';
const CHANGED = '{"name":"read","d":2}';
const OTHER = '{"name":"write"}';

function digest(text: string): string {
  return fingerprintFile(Buffer.from(`[${text}]`)).items.get("tool")?.[0]?.fingerprint ?? "";
}

function serverOf(change: Partial<OracleServer> = {}): OracleServer {
  const scope = ["fs.read", "fs.write"];
  return {
    id: "files",
    operatorVerified: true,
    onDrift: "block-server",
    items: [
      { kind: "tool", name: "read", fingerprints: [digest(GOOD)], scope },
      { kind: "tool", name: "write", fingerprints: [digest(OTHER)], scope },
    ],
    ...change,
  };
}

/** Verdict of one call after the server has shown `manifest` (none: before any listing). */
function verdict(
  server: OracleServer,
  manifest: string | undefined,
  request: Partial<Parameters<typeof check>[2]> = {},
): number {
  const catalog: OracleCatalog = { expiresMs: 1000, operatorScopes: [], servers: [server] };
  const live = manifest === undefined ? undefined : fingerprintFile(Buffer.from(manifest));
  const admissions = live === undefined ? new Map() : new Map([["files", admit(server, live)]]);
  const whole = { server: "files", kind: "tool", name: "read", now: 999, ...request } as const;
  return check(catalog, admissions, whole);
}

describe("guard oracle", () => {
  it("allows what was pinned, seen and admitted, and nothing before", () => {
    expect(verdict(serverOf(), `[${GOOD},${OTHER}]`)).toBe(1);
    expect(verdict(serverOf(), `[${GOOD}]`)).toBe(1);
    expect(verdict(serverOf(), `[${OTHER}]`)).toBe(6);
    expect(verdict(serverOf(), undefined)).toBe(6);
    expect(verdict(serverOf(), '{"tools":[')).toBe(6);
    expect(verdict(serverOf({ operatorVerified: false }), `[${GOOD}]`)).toBe(15);
  });

  it("asks in order: expiry, server, item, admission, drift, scope", () => {
    const both = `[${CHANGED},${OTHER}]`;
    for (const now of [1000, 1001, 0, -1, Number.NaN, 2 ** 53 + 2, Number.POSITIVE_INFINITY]) {
      expect(verdict(serverOf(), both, { now, server: "nobody" })).toBe(7);
    }
    expect(verdict(serverOf(), both, { server: "nobody", name: "x" })).toBe(2);
    expect(verdict(serverOf(), both, { server: "Files" })).toBe(2);
    expect(verdict(serverOf(), undefined, { name: "x" })).toBe(3);
    expect(verdict(serverOf(), undefined, { kind: "prompt" })).toBe(3);
    expect(verdict(serverOf(), both, { scopes: ["admin"] })).toBe(4);
    expect(verdict(serverOf(), both, { name: "write" })).toBe(6);
    expect(verdict(serverOf({ onDrift: "block-tool" }), both, { name: "write" })).toBe(1);
    expect(verdict(serverOf({ onDrift: "block-tool" }), both)).toBe(4);
  });

  it("refuses a server for a smuggled, doubled or unreadable definition", () => {
    for (const extra of ['{"name":"new"}', OTHER, '{"x":1}', '{"name":"z","a":1,"a":1}']) {
      expect(verdict(serverOf(), `[${GOOD},${OTHER},${extra}]`)).toBe(6);
      expect(verdict(serverOf({ onDrift: "block-tool" }), `[${GOOD},${OTHER},${extra}]`)).toBe(1);
    }
    const doubled = `[${GOOD},${GOOD}]`;
    expect(verdict(serverOf({ onDrift: "block-tool" }), doubled)).toBe(4);
    const unreadable = '[{"name":"read","d":1,"e":1e400}]';
    expect(verdict(serverOf({ onDrift: "block-tool" }), unreadable)).toBe(4);
  });

  it("takes changed instructions for drift of the server", () => {
    const manifest = `{"tools":[${GOOD}],"instructions":"hi"}`;
    expect(verdict(serverOf(), manifest)).toBe(4);
    expect(verdict(serverOf(), manifest, { name: "x" })).toBe(3);
    expect(verdict(serverOf({ onDrift: "block-tool" }), manifest)).toBe(1);
    const pinned = serverOf({ instructions: `sha256:${instructionsDigest("hi")}` });
    expect(verdict(pinned, manifest)).toBe(1);
    expect(verdict(pinned, `[${GOOD}]`)).toBe(4);
  });

  it("a definition that flickers back stays drifted", () => {
    const server = serverOf({ onDrift: "block-tool" });
    const first = admit(server, fingerprintFile(Buffer.from(`[${CHANGED}]`)));
    const second = admit(server, fingerprintFile(Buffer.from(`[${GOOD}]`)), { previous: first });
    expect(second.items.get("tool read")).toBe("drifted");
  });

  it("grants a scope only where request, item and cap nest", () => {
    const live = `[${GOOD}]`;
    expect(verdict(serverOf(), live, { scopes: ["fs.read"] })).toBe(1);
    expect(verdict(serverOf(), live, { scopes: [] })).toBe(1);
    expect(verdict(serverOf(), live, { scopes: ["fs.read", "exec"] })).toBe(5);
    expect(verdict(serverOf(), live, { cap: ["fs.read"] })).toBe(5);
    expect(verdict(serverOf(), live, { scopes: ["fs.read"], cap: ["fs.read"] })).toBe(5);
    expect(verdict(serverOf(), live, { cap: ["fs.read", "fs.write", "exec"] })).toBe(1);
    expect(() => verdict(serverOf(), live, { scopes: ["fs.wirte"] })).toThrow("SCOPE_UNKNOWN");
  });

  it("numbers scopes as fixed: built-in ones, then the operator's by their bytes", () => {
    const bits = scopeBits(["b", "a_b", "a.b", "a-b", "a"]);
    expect([bits.get("fs.read"), bits.get("admin"), bits.get("a")]).toEqual([0, 15, 16]);
    expect([bits.get("a-b"), bits.get("a.b"), bits.get("a_b"), bits.get("b")]).toEqual([
      17, 18, 19, 20,
    ]);
    expect(scopeMask(bits, ["fs.write", "a"])).toBe(0x10002n);
  });

  it.each([
    ["file:///a/{name}", "file:///a/b", true],
    ["file:///a/{name}", "file:///a/", false],
    ["file:///a/{name}", "file:///a/b/c", false],
    ["file:///a/{name}", "file:///a/%2e", false],
    ["file:///a/{name}", "file:///a/b?c", false],
    ["file:///a/{name}", "file:///a/b#c", false],
    ["file:///a/{name}", "file:///a/b\\c", false],
    ["file:///a/{name}", "file:///a/\u00e9", true],
    ["file:///a/{name}", "file:///a/\u00e9\n", false],
    ["file:///a/{name}", "file:///a/..", false],
    ["file:///a/{dir}/{name}", "file:///a/./b", false],
    ["file:///a/.{name}", "file:///a/..", false],
    ["file:///a/{name}", "file:///a/...", true],
    ["https://host{x}", "https://host@evil.example", false],
    ["https://host:80/{x}", "https://host:80/a", true],
    ["db://{t}/rows", "db://users/rows", true],
    ["m{a}.{b}", "m1.2.3", true],
    ["m{a}.{b}", "m.2", false],
    ["a.c", "abc", false],
  ])("template %s against %s: %s", (template, uri, expected) => {
    expect(templateMatches(template, uri)).toBe(expected);
  });
});

/** Verdicts of all requests of a case, after all its manifests. */
function verdicts({ catalog, live, requests }: GuardCase): readonly number[] {
  const admissions = new Map<string, OracleAdmission>();
  for (const server of catalog.servers) {
    for (const manifest of live.get(server.id) ?? []) {
      const previous = admissions.get(server.id);
      const options = previous === undefined ? {} : { previous };
      admissions.set(server.id, admit(server, fingerprintFile(manifest), options));
    }
  }
  return requests.map((request) => check(catalog, admissions, request));
}

describe("generated guard cases", () => {
  it("reach every verdict of the catalog guard", () => {
    const seen = new Map<number, number>();
    for (let seed = 0; seed < 1_500; seed++) {
      for (const code of verdicts(generateGuardCase(seed)))
        seen.set(code, (seen.get(code) ?? 0) + 1);
    }
    for (const code of [1, 2, 3, 4, 5, 6, 7, 15])
      expect(seen.get(code), `${code}`).toBeGreaterThan(200);
    expect(seen.size).toBe(8);
  });

  it("removing an item from the catalog never turns a refusal into an allow", () => {
    for (let seed = 0; seed < 500; seed++) {
      const whole = generateGuardCase(seed);
      const servers = whole.catalog.servers.map((server) => ({
        ...server,
        items: server.items.filter((item) => item.kind !== "tool" || item.name !== "read"),
      }));
      const before = verdicts(whole);
      const after = verdicts({ ...whole, catalog: { ...whole.catalog, servers } });
      after.forEach((code, index) => {
        if (code === 1) expect(before[index], `seed ${seed}`).toBe(1);
      });
    }
  });
});
