import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCatalog } from "../../src/catalog/parse.ts";
import {
  bytesOf,
  catalogOf,
  digestOf,
  EXAMPLE,
  faultOf,
  SMALL_SERVER,
  sealed,
} from "../fixtures/catalog.ts";

const catalog = sealed(EXAMPLE);
const size = bytesOf(catalog).length;

/** Lines after which a `key = value` belongs to one of the tables whose keys are all fixed. */
const CLOSED_TABLES = [
  "schema  = 1\n",
  "[servers.filesystem]\n",
  "[servers.filesystem.tools.read_text_file]\n",
  'effect = "read"\n',
  'scope   = ["fs.read", "net.fetch"]       # cap on every call of that principal; missing = none\n',
  'id = "no-destructive-outside-lease"\n',
] as const;
/** Every key that any table of the format has. */
const KNOWN = new Set(
  (
    "schema id version issued expires scopes taints servers principals rules command env url " +
    "header_env fingerprint max_allowed_scope operator_verified allow methods on_drift " +
    "instructions consent_channels tools prompts resources resource_templates scope effect " +
    "requires adds_taint stops_taint taint_outcome vetting_accept args when then"
  ).split(" "),
);
const NASTY = [
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "Scope",
  "scope ",
  "fingerprints",
];

describe("any catalog", () => {
  it("with one unknown key anywhere is refused, and the key is named", () => {
    const key = fc.oneof(fc.constantFrom(...NASTY), fc.stringMatching(/^[a-z_]{1,12}$/));
    const value = fc.constantFrom("1", '"x"', "[]", "{}", "true", "1.5", "2026-01-01");
    fc.assert(
      fc.property(key, value, fc.constantFrom(...CLOSED_TABLES), (name, text, after) => {
        fc.pre(!KNOWN.has(name));
        expect(catalog).toContain(after);
        const line = `${JSON.stringify(name)} = ${text}\n`;
        const fault = faultOf(() =>
          parseCatalog(bytesOf(catalog.replace(after, () => after + line))),
        );
        expect(fault?.code).toBe("CATALOG_SCHEMA");
        const rendered = /^[a-z_]+$/i.test(name) ? name : JSON.stringify(name);
        expect(fault?.path?.endsWith(rendered)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it("whose bytes were changed is read or refused, and nothing else happens", () => {
    const change = fc.record({
      at: fc.nat(size - 1),
      cut: fc.nat(40),
      bytes: fc.oneof(
        fc.uint8Array({ maxLength: 8 }),
        fc
          .constantFrom("[", "]", '"', "'", "=", "\n", "{", "}", "#", "inf", "1e9", "'''")
          .map(bytesOf),
      ),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        let bytes = bytesOf(catalog);
        for (const { at, cut, bytes: put } of changes) {
          const whole = [...bytes.subarray(0, at), ...put, ...bytes.subarray(at + cut)];
          bytes = Uint8Array.from(whole);
        }
        const code = faultOf(() => parseCatalog(bytes))?.code ?? "CATALOG_SCHEMA";
        expect(["CATALOG_SYNTAX", "CATALOG_SCHEMA", "CATALOG_FINGERPRINT"]).toContain(code);
      }),
      { numRuns: 1500 },
    );
  });

  it("random bytes and random text are never a catalog", () => {
    const any = fc.oneof(fc.uint8Array(), fc.string({ unit: "binary" }).map(bytesOf));
    fc.assert(
      fc.property(any, (bytes) => {
        expect(faultOf(() => parseCatalog(bytes))?.code).toMatch(/^CATALOG_S(YNTAX|CHEMA)$/);
      }),
      { numRuns: 500 },
    );
  });

  it("gives the same whatever the order of its items, and two digests changed are noticed", () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), {
      minLength: 2,
      maxLength: 12,
    });
    const item = (name: string, seed: string): string =>
      `[servers.s.tools.${name}x]\nfingerprint = "${digestOf(seed)}"\nscope = ["fs.read"]\neffect = "read"\n`;
    fc.assert(
      fc.property(names, (list) => {
        const forth = list.map((name) => item(name, name)).join("");
        const back = [...list]
          .reverse()
          .map((name) => item(name, name))
          .join("");
        const catalogForth = parseCatalog(catalogOf(SMALL_SERVER + forth));
        expect(parseCatalog(catalogOf(SMALL_SERVER + back))).toEqual(catalogForth);
        const [first = "", second = ""] = list;
        const text = new TextDecoder().decode(catalogOf(SMALL_SERVER + forth));
        const swapped = text
          .replace(digestOf(first), "@")
          .replace(digestOf(second), digestOf(first))
          .replace("@", digestOf(second));
        const fault = faultOf(() => parseCatalog(bytesOf(swapped)));
        expect(fault).toEqual({ code: "CATALOG_FINGERPRINT", path: "servers.s.fingerprint" });
      }),
      { numRuns: 100 },
    );
  });
});
