// Records are canonical JSON whatever an adversary puts into a name, and hold no arguments.
import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AuditEvent } from "../../src/audit/event.ts";
import { LIMIT_RECORD_BYTES } from "../../src/audit/limits.ts";
import { readRecord } from "../../src/audit/record.ts";
import { RecordWriter } from "../../src/audit/record-writer.ts";
import { utf8, utf8Text } from "../../src/bytes.ts";
import { canonicalize } from "../../src/kernel/strict-json.ts";
import { listEvent, PRINCIPAL, SESSION } from "../fixtures/audit.ts";

const SALT = new Uint8Array(32).fill(7);
const subject = {
  catalogSha256: "a".repeat(64),
  rootSha256: "b".repeat(64),
  kernelSha256: "c".repeat(64),
};

function written(event: AuditEvent, seq = 1, lost = 0): string {
  const line = new RecordWriter(SALT, subject).write(event, seq, lost);
  const text = line === undefined ? undefined : utf8Text(line);
  return text ?? expect.fail("expected a line");
}

/** What a record must hold, made without the writer. */
function expected(event: AuditEvent, seq: number, lost: number): object {
  const { items, input, output, args, rules } = event;
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
  const hasRequest = event.kind === "call" || args !== undefined;
  const members: Record<string, unknown> = {
    ...{ v: 1, seq, t: event.timeMs, kind: event.kind, sess: event.sessionHash },
    ...{ principal: event.principalHash, server: event.server, tool: event.tool },
    ...{ catalog: subject.catalogSha256, root: subject.rootSha256 },
    ...{ kernel: subject.kernelSha256, era: event.era, decision: event.decision },
    req: hasRequest
      ? createHmac("sha256", SALT)
          .update(args ?? new Uint8Array(0))
          .digest("hex")
      : undefined,
    in: input === undefined ? undefined : base64(input),
    out: output === undefined ? undefined : base64(output),
    ...{ reason: event.reason, code: event.code, layer: event.layer, rules },
    ...{ lease: event.leaseId, consent: event.consentId, taint: event.taint, trace: event.trace },
    lost: lost === 0 ? undefined : lost,
    items: items?.map(({ kind, name, digest }) => ({ kind, name, digest: digest ?? null })),
  };
  const entries = Object.entries(members).filter(([, member]) => member !== undefined);
  return JSON.parse(JSON.stringify(Object.fromEntries(entries)).toWellFormed());
}

const bytes = fc.option(fc.uint8Array({ maxLength: 700 }), { nil: undefined });
const text = fc.string({ unit: "binary", maxLength: 40 }).map((one) => one.toWellFormed());
const optional = fc.option(text, { nil: undefined });
const events: fc.Arbitrary<AuditEvent> = fc.record({
  kind: fc.constantFrom("list", "call", "result", "consent", "lease", "reload"),
  timeMs: fc.nat(2 ** 31),
  ...{ sessionHash: text, principalHash: text, server: text, reason: text, tool: optional },
  era: fc.constantFrom("legacy", "modern", "none"),
  ...{ args: bytes, input: bytes, output: bytes, leaseId: optional, consentId: optional },
  decision: fc.constantFrom("allow", "dry_run", "ask_user", "deny"),
  ...{ code: fc.nat(28), layer: fc.constantFrom("all", "item", "lease"), trace: optional },
  rules: fc.option(fc.array(text, { maxLength: 4 }), { nil: undefined }),
  taint: fc.nat(0xffff_ffff),
  items: fc.option(
    fc.array(
      fc.record({
        kind: fc.constantFrom("tool", "instructions", "resource_template"),
        name: text,
        digest: optional,
      }),
      { maxLength: 4 },
    ),
    { nil: undefined },
  ),
});

describe("a record", () => {
  it("is the canonical form of its members, whatever the texts in it are", () => {
    fc.assert(
      fc.property(events, fc.nat(), fc.nat(3), (event, seq, lost) => {
        const line = written(event, seq, lost);
        expect(line).toBe(`${canonicalize(expected(event, seq, lost))}\n`);
      }),
      { numRuns: 2000 },
    );
  });

  it("a lone surrogate in a name becomes U+FFFD, and line breaks stay inside one line", () => {
    const line = written({ ...listEvent(), tool: 'a\ud800b\n\u2028\u0000"\\' });
    expect(line.indexOf("\n")).toBe(line.length - 1);
    const record = readRecord(utf8(line.slice(0, -1)));
    expect(record?.value).toMatchObject({ tool: 'a\ufffdb\n\u2028\u0000"\\' });
  });

  it("holds neither arguments nor anything that tells equal ones apart without the salt", () => {
    const secret = utf8('{"password":"hunter2"}');
    const line = written({ ...listEvent(), kind: "call", args: secret });
    expect(line).not.toContain("hunter2");
    const other = new RecordWriter(new Uint8Array(32).fill(8), subject);
    const otherLine = other.write({ ...listEvent(), kind: "call", args: secret }, 1, 0);
    expect(utf8Text(otherLine ?? secret)).not.toBe(line);
  });

  it("a call without arguments has the digest of no bytes", () => {
    const req = createHmac("sha256", SALT).update("").digest("hex");
    expect(written({ ...listEvent(), kind: "call" })).toContain(`"req":"${req}"`);
  });

  it("a time that is none is 0, and a mask is an unsigned one", () => {
    for (const timeMs of [Number.NaN, -1, 1.5, 2 ** 60]) {
      expect(written({ ...listEvent(), timeMs, taint: -1 })).toContain('"t":0,"taint":4294967295');
    }
  });

  it("lines keep their bytes while later ones are written", () => {
    const writer = new RecordWriter(SALT, subject);
    const lines = Array.from({ length: 2000 }, (_, seq) => writer.write(listEvent(), seq, 0));
    for (const [seq, line] of lines.entries()) {
      const text = utf8Text(line ?? new Uint8Array(0));
      expect(text).toContain(`"seq":${seq},`);
      expect(text?.endsWith(',"v":1}\n')).toBe(true);
    }
  });

  it("is written up to 32 MiB, and not with a byte more", () => {
    const size = utf8(written({ ...listEvent(), tool: "" })).length - 1;
    const writer = new RecordWriter(SALT, subject);
    const fits = "x".repeat(LIMIT_RECORD_BYTES - size);
    expect(writer.write({ ...listEvent(), tool: fits }, 1, 0)?.length).toBe(LIMIT_RECORD_BYTES + 1);
    expect(writer.write({ ...listEvent(), tool: `${fits}x` }, 1, 0)).toBeUndefined();
    const many = Array.from({ length: 2 ** 20 }, () => ({
      kind: "tool" as const,
      name: "\u0000".repeat(64),
      digest: "d",
    }));
    expect(writer.write(listEvent(many), 1, 0)).toBeUndefined();
  });
});

describe("reading a record back", () => {
  it.each([
    [
      "another order of members",
      (line: string) => line.replace(/^\{(.*),"code":1/, '{"code":1,$1'),
    ],
    ["white space", (line: string) => line.replace('"code":1', '"code": 1')],
    ["a duplicate member", (line: string) => line.replace('"code":1', '"code":1,"code":1')],
    ["another spelling of a number", (line: string) => line.replace('"code":1', '"code":1.0')],
    ["another version", (line: string) => line.replace('"v":1', '"v":2')],
    ["a digest that is none", (line: string) => line.replace("aaaa", "AAAA")],
    ["a kind that is none", (line: string) => line.replace('"list"', '"lost"')],
    ["an outcome that is none", (line: string) => line.replace('"allow"', '"allowed"')],
    ["a negative sequence", (line: string) => line.replace('"seq":1', '"seq":-1')],
    ["an array", () => "[]"],
    ["no json", () => "{"],
  ])("%s is no record", (_, change) => {
    const line = written(listEvent()).slice(0, -1);
    expect(readRecord(utf8(line))?.seq).toBe(1);
    const changed = change(line);
    expect(changed).not.toBe(line);
    expect(readRecord(utf8(changed))).toBeUndefined();
  });

  it("a record larger than the kernel's canonical region is read strictly", () => {
    const items = Array.from({ length: 60_000 }, (_, index) => ({
      kind: "tool" as const,
      name: `tool-${index}`,
      digest: `sha256:${"d".repeat(64)}`,
    }));
    const line = written(listEvent(items)).slice(0, -1);
    expect(line.length).toBeGreaterThan(4_194_304);
    expect(readRecord(utf8(line))?.seq).toBe(1);
    expect(readRecord(utf8(line.replace('"v":1', '"v":1,"v":1')))).toBeUndefined();
  });

  it("keeps the pseudonyms", () => {
    const record = readRecord(utf8(written(listEvent()).slice(0, -1)));
    expect(record?.value).toMatchObject({ sess: SESSION, principal: PRINCIPAL });
  });
});
