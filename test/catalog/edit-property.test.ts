import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyPins, type ItemPin, type ServerPins } from "../../src/catalog/edit.ts";
import { parseCatalog } from "../../src/catalog/parse.ts";
import { bytesOf, digestOf, EXAMPLE, sealed } from "../fixtures/catalog.ts";

const name = fc
  .oneof(
    fc.string({ unit: "binary", minLength: 1, maxLength: 20 }),
    fc.constantFrom(
      "read_text_file",
      "summarise",
      "a.b",
      "__proto__",
      '"',
      "\\",
      "#",
      "args",
      "\u2028",
    ),
  )
  .filter((text) => !/\p{Cc}/u.test(text));
const template = fc.constantFrom("file:///{a}", "file:///workspace/{name}", "x:{a}{b}", "plain");
const pin = fc.record<ItemPin>({
  fingerprint: fc.nat(50).map((seed) => digestOf(String(seed))),
  scope: fc.subarray(["fs.read", "fs.write"], { minLength: 1 }),
  effect: fc.constantFrom("read", "write", "destructive", "external"),
});
const items = (key: fc.Arbitrary<string>): fc.Arbitrary<ReadonlyMap<string, ItemPin>> =>
  fc.array(fc.tuple(key, pin), { maxLength: 5 }).map((entries) => new Map(entries));
const instructions = fc.option(fc.nat(3).map((seed) => digestOf(`i${seed}`)));
const pins: fc.Arbitrary<ServerPins> = fc
  .record({
    tools: items(name),
    prompts: items(name),
    resources: items(name),
    resourceTemplates: items(template),
    server: fc.constant({ command: ["x"], maxAllowedScope: ["fs.read", "fs.write"] }),
  })
  .chain((base) =>
    instructions.map((digest) => (digest === null ? base : { ...base, instructions: digest })),
  );
const server = fc.constantFrom("filesystem", "new", "new.er");

/** True when the lines of `part`, in their order, are among those of `whole`. */
function isSubsequence(part: readonly string[], whole: readonly string[]): boolean {
  let next = 0;
  for (const line of whole) if (line === part[next]) next += 1;
  return next === part.length;
}

describe("any pins, written into the example", () => {
  it.each(["\n", "\r\n"])("are what the parser then reads; line end %j", (eol) => {
    const before = sealed(EXAMPLE).replaceAll("\n", eol);
    fc.assert(
      fc.property(server, pins, (id, wanted) => {
        const after = applyPins(before, id, wanted);
        const entry = parseCatalog(bytesOf(after)).servers.get(id);
        for (const kind of ["tools", "prompts", "resources", "resourceTemplates"] as const) {
          for (const [key, { fingerprint }] of wanted[kind]) {
            expect(entry?.[kind].get(key)?.fingerprints).toEqual([fingerprint]);
          }
        }
        if (wanted.instructions !== undefined)
          expect(entry?.instructions).toBe(wanted.instructions);
        expect(applyPins(after, id, wanted)).toBe(after);
        expect(after.split(eol).every((line) => !/[\r\n]/.test(line))).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it("leave every line that is not a digest as it was, in its order", () => {
    const before = sealed(EXAMPLE);
    const kept = before.split("\n").filter((line) => !line.includes("sha256:"));
    fc.assert(
      fc.property(server, pins, (id, wanted) => {
        expect(isSubsequence(kept, applyPins(before, id, wanted).split("\n"))).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});
