// Random single changes of a closed log: a bit, a line, the order, a file. Each is found and named.
import { describe, expect, it } from "vitest";
import type { AuditCode } from "../../src/audit/finding.ts";
import type { AuditLogInput } from "../../src/audit/input.ts";
import { verifyAuditLog } from "../../src/audit/verify.ts";
import { bytesEqual } from "../../src/bytes.ts";
import { auditGuard, bytesIn, closedLog } from "../fixtures/audit.ts";
import { NOW_MS } from "../fixtures/trust.ts";
import { createRandom, type Random } from "../oracle/random.ts";

const MUTATIONS = 10_000;
const PARTS = ["records", "history", "checkpoint", "statements"] as const;
type Part = (typeof PARTS)[number];
type Files = Readonly<Record<Part, Uint8Array | undefined>>;

const guard = auditGuard();
const INPUT = closedLog(guard, 12).toInput();
const OTHER = closedLog(guard, 9, { process: { host: "h", pid: 6, startMs: NOW_MS } }).toInput();

function filesOf(input: AuditLogInput): Record<Part, Uint8Array> {
  const { records, history, checkpoint, statements } = input;
  return {
    records: bytesIn(records),
    history: bytesIn(history),
    checkpoint: bytesIn(checkpoint),
    statements: bytesIn(statements),
  };
}

const FILES = filesOf(INPUT);
const OTHER_FILES = filesOf(OTHER);

function linesOf(bytes: Uint8Array): string[] {
  return Buffer.from(bytes)
    .toString("latin1")
    .split(/(?<=\n)/);
}

function bytesOf(lines: readonly string[]): Uint8Array {
  return new Uint8Array(Buffer.from(lines.join(""), "latin1"));
}

function flipBit(random: Random, bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  const at = random.below(copy.length);
  copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
  return copy;
}

function changeLines(random: Random, bytes: Uint8Array): Uint8Array {
  const lines = linesOf(bytes);
  const at = random.below(lines.length);
  const to = random.below(lines.length);
  const line = lines[at] ?? "";
  switch (random.below(4)) {
    case 0:
      return bytesOf(lines.toSpliced(at, 1));
    case 1:
      return bytesOf(lines.toSpliced(to, 0, line));
    case 2:
      return bytesOf(lines.with(at, lines[to] ?? "").with(to, line));
    default:
      return bytesOf(lines.toSpliced(at, 1).toSpliced(to, 0, line));
  }
}

function changeFile(random: Random, part: Part, bytes: Uint8Array): Uint8Array | undefined {
  switch (random.below(4)) {
    case 0:
      return undefined;
    case 1:
      return OTHER_FILES[part];
    case 2:
      return bytes.slice(0, random.below(bytes.length));
    default:
      return bytes.slice(1 + random.below(bytes.length));
  }
}

/** The files after one change. */
function mutated(random: Random): Files {
  const part = random.pick(PARTS);
  const bytes = FILES[part];
  const kind = random.below(10);
  const change =
    kind < 5
      ? flipBit(random, bytes)
      : kind < 8
        ? changeLines(random, bytes)
        : changeFile(random, part, bytes);
  return { ...FILES, [part]: change };
}

function isSame(files: Files): boolean {
  return PARTS.every((part) => {
    const bytes = files[part];
    return bytes !== undefined && bytesEqual(bytes, FILES[part]);
  });
}

describe("a closed log", () => {
  it(`${MUTATIONS} random changes of one thing are all found, with a code and a log`, async () => {
    const codes = new Map<AuditCode, number>();
    let found = 0;
    for (let seed = 0; found < MUTATIONS; seed++) {
      const files = mutated(createRandom(seed));
      if (isSame(files)) continue;
      const log = { origin: INPUT.origin, ...files };
      const { error } = await verifyAuditLog({ logs: [log], roots: [guard.root] });
      if (error === undefined) expect.fail(`seed ${seed} was not found`);
      expect(error.origin).toBe(INPUT.origin);
      expect(error.message).toMatch(/^expected .+, got [^\r\n]+[^.]$|^expected [^\r\n]+[^.]$/);
      codes.set(error.code, (codes.get(error.code) ?? 0) + 1);
      found += 1;
    }
    const named: readonly AuditCode[] = [
      ...(["AUDIT_LEAF", "AUDIT_SEQUENCE", "AUDIT_TRUNCATED", "AUDIT_ORIGIN"] as const),
      ...(["AUDIT_SIGNATURE", "AUDIT_LOG_MISSING"] as const),
    ];
    for (const code of named) expect(codes.get(code) ?? 0, code).toBeGreaterThan(50);
    expect((await verifyAuditLog({ logs: [INPUT], roots: [guard.root] })).ok).toBe(true);
  }, 240_000);
});
