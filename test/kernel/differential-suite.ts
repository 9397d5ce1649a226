// The kernel against the oracle, text by text; one suite for the release and the debug build.
import { describe, expect, it } from "vitest";
import { READ_FLAG_LENIENT, READ_FLAG_LINE_BREAKS, READ_OK } from "../../src/abi/layout.ts";
import { GuardError } from "../../src/errors.ts";
import { readShape } from "../../src/kernel/message.ts";
import { readerKernel } from "../../src/kernel/shared.ts";
import { manifestFingerprint } from "../../src/manifest/fingerprint.ts";
import { readManifest } from "../../src/manifest/read.ts";
import { manifestItems } from "../../src/manifest/types.ts";
import { canonical } from "../oracle/canonical.ts";
import { fingerprintFile, KINDS } from "../oracle/fingerprint.ts";
import { generateJson } from "../oracle/generate.ts";
import { generateManifest } from "../oracle/generate-manifest.ts";
import { generateMessage } from "../oracle/generate-message.ts";
import { readMessage } from "../oracle/message.ts";
import { readStrict } from "../oracle/strict-json.ts";

function show(bytes: Uint8Array): string {
  return JSON.stringify(Buffer.from(bytes).toString("latin1"));
}

/**
 * Registers the suite.
 *
 * @param kind the kernel's build, for the title
 * @param cases how many JSON texts; as many messages, and a tenth of that of manifests
 */
export function describeDifferential(kind: string, cases: number): void {
  describe(`${kind} kernel and oracle`, () => registerCases(cases));
}

function registerCases(cases: number): void {
  it("accept the same JSON texts and write the same canonical form", () => {
    const kernel = readerKernel(0);
    let accepted = 0;
    for (let seed = 0; seed < cases; seed++) {
      const bytes = generateJson(seed);
      const expected = readStrict(bytes);
      kernel.writeInput(bytes);
      const code = kernel.exports.readJson(bytes.length, READ_FLAG_LINE_BREAKS);
      if ((code === READ_OK) !== expected.ok) {
        expect.fail(
          `seed ${seed}: kernel ${code}, oracle ${JSON.stringify(expected.ok)}: ${show(bytes)}`,
        );
      }
      kernel.writeInput(bytes);
      const size = kernel.exports.canonicalize(bytes.length);
      if (!expected.ok) {
        if (size > 0) expect.fail(`seed ${seed}: canonical form of a refused text ${show(bytes)}`);
        continue;
      }
      accepted++;
      const at = kernel.canonicalAt;
      const text = Buffer.from(kernel.bytes.subarray(at, at + size)).toString("utf8");
      if (text !== canonical(expected.value)) {
        expect.fail(
          `seed ${seed}: ${text} instead of ${canonical(expected.value)}: ${show(bytes)}`,
        );
      }
    }
    expect(accepted).toBeGreaterThan(cases / 10);
  });

  it("accept the same JSON texts leniently", () => {
    const kernel = readerKernel(0);
    for (let seed = 0; seed < cases / 4; seed++) {
      const bytes = generateJson(seed);
      kernel.writeInput(bytes);
      const flags = READ_FLAG_LINE_BREAKS | READ_FLAG_LENIENT;
      const isAccepted = kernel.exports.readJson(bytes.length, flags) === READ_OK;
      if (isAccepted !== readStrict(bytes, { lenient: true }).ok) {
        expect.fail(`seed ${seed}: kernel ${isAccepted}: ${show(bytes)}`);
      }
    }
  });

  it("read the same shape out of every message", () => {
    const kernel = readerKernel(0);
    const kinds = new Map<string, number>();
    for (let seed = 0; seed < cases; seed++) {
      const bytes = generateMessage(seed);
      const expected = readMessage(bytes);
      kernel.writeInput(bytes);
      const shape = readShape(kernel, bytes.length, 0);
      kinds.set(shape.kind, (kinds.get(shape.kind) ?? 0) + 1);
      const where = `seed ${seed}: ${show(bytes)}`;
      if (shape.kind !== expected.kind) expect.fail(`${shape.kind}/${expected.kind} ${where}`);
      if (expected.kind === "malformed") {
        const id = shape.id?.key;
        const oracle = expected.idReadable;
        const key = typeof oracle === "string" ? `s:${oracle}` : `n:${oracle}`;
        if (id !== undefined && oracle !== undefined && id !== key)
          expect.fail(`id ${id} ${where}`);
        continue;
      }
      if (shape.kind === "malformed") continue;
      const id = "id" in expected ? expected.id : undefined;
      const key = id === null ? "null" : typeof id === "string" ? `s:${id}` : `n:${id}`;
      if (shape.id?.key !== (id === undefined ? undefined : key)) expect.fail(`id ${where}`);
      if ("method" in expected && shape.method !== expected.method) expect.fail(`method ${where}`);
      if (expected.kind !== "request") continue;
      const name = expected.name ?? expected.uri;
      const isLong =
        name !== undefined && Buffer.byteLength(name) > (expected.uri === undefined ? 128 : 2048);
      if (shape.name !== (isLong ? undefined : name)) expect.fail(`name ${where}`);
      if (name === undefined || expected.uri !== undefined) continue;
      const { arguments: span } = shape;
      const args = span === undefined ? undefined : show(bytes.subarray(span.start, span.end));
      const wanted = expected.argumentsText;
      if (args !== (wanted === undefined ? undefined : show(wanted)))
        expect.fail(`arguments ${where}`);
    }
    for (const kind of ["request", "notification", "result", "error", "malformed"]) {
      expect(kinds.get(kind) ?? 0, kind).toBeGreaterThan(cases / 100);
    }
  });

  it("fingerprint the same manifests, item by item", () => {
    let whole = 0;
    for (let seed = 0; seed < cases / 10; seed++) {
      const bytes = generateManifest(seed);
      const expected = fingerprintFile(bytes);
      const where = `seed ${seed}: ${show(bytes)}`;
      let manifest: ReturnType<typeof readManifest> | undefined;
      try {
        manifest = readManifest(bytes);
      } catch (error) {
        if (!(error instanceof GuardError)) throw error;
      }
      const hasList =
        Buffer.from(bytes).toString("latin1").trim().startsWith("[") || expected.items.size > 0;
      if (manifest === undefined) {
        const isEmpty = [...expected.items.values()].every((items) => items.length === 0);
        if (expected.error === undefined && !(hasList && isEmpty)) expect.fail(`refused ${where}`);
        continue;
      }
      if (expected.error !== undefined) expect.fail(`accepted, oracle ${expected.error} ${where}`);
      if (manifestFingerprint(manifest) !== expected.manifest) expect.fail(`manifest ${where}`);
      if (expected.manifest !== undefined) whole++;
      const items = manifestItems(manifest);
      const reports = KINDS.flatMap(({ kind }) => expected.items.get(kind) ?? []);
      expect(items.length, where).toBe(reports.length);
      items.forEach((item, index) => {
        const report = reports[index];
        if (item.fingerprint !== report?.fingerprint) expect.fail(`item ${index} ${where}`);
        if ((item.name ?? null) !== report?.name) {
          expect.fail(`name ${index} ${item.name} / ${report?.name} ${where}`);
        }
      });
    }
    expect(whole).toBeGreaterThan(cases / 100);
  });
}
