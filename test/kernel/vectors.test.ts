// The committed vector files, answered by the kernel.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { READ_FLAG_LENIENT, READ_FLAG_LINE_BREAKS, READ_OK } from "../../src/abi/layout.ts";
import { GuardError } from "../../src/errors.ts";
import { readShape } from "../../src/kernel/message.ts";
import { readerKernel } from "../../src/kernel/shared.ts";
import {
  fingerprintManifest,
  fingerprintPrompt,
  fingerprintResource,
  fingerprintResourceTemplate,
  fingerprintTool,
} from "../../src/manifest/fingerprint.ts";

const Source = z.object({ text: z.string().optional(), hex: z.string().optional() });
const Case = Source.extend({ result: z.string(), canonical: z.string().optional() });
const JsonFile = z.object({ cases: z.array(Case) });
const FingerprintFile = z.object({
  items: z.array(
    Source.extend({
      id: z.string(),
      kind: z.enum(["tool", "prompt", "resource", "resource_template"]),
      fingerprint: z.string().optional(),
    }),
  ),
  manifests: z.array(Source.extend({ id: z.string(), manifest: z.string().optional() })),
});
const MessageFile = z.object({
  cases: z.array(
    Source.extend({
      id: z.string(),
      result: z.string(),
      lenient: z.literal(true).optional(),
      http: z.literal(true).optional(),
      messageId: z.union([z.string(), z.int(), z.null()]).optional(),
      method: z.string().optional(),
      name: z.string().optional(),
      uri: z.string().optional(),
    }),
  ),
});

const FINGERPRINT = {
  tool: fingerprintTool,
  prompt: fingerprintPrompt,
  resource: fingerprintResource,
  resource_template: fingerprintResourceTemplate,
};

function readVectors<T>(name: string, schema: z.ZodType<T>): T {
  const path = new URL(`../vectors/${name}`, import.meta.url);
  return schema.parse(JSON.parse(readFileSync(path, "utf8")));
}

function bytesOf(source: z.infer<typeof Source>): Uint8Array {
  return source.hex === undefined
    ? Buffer.from(source.text ?? "", "utf8")
    : Buffer.from(source.hex, "hex");
}

/** The fingerprint, or `undefined` when it is refused with an error of ours. */
function attempt(make: () => string): string | undefined {
  try {
    return make();
  } catch (error) {
    expect(error).toBeInstanceOf(GuardError);
    return undefined;
  }
}

describe("vectors", () => {
  for (const file of ["json-strict.json", "number.json"]) {
    it(`${file}: the kernel accepts, refuses and canonicalises as written`, () => {
      const kernel = readerKernel(0);
      const { cases } = readVectors(file, JsonFile);
      expect(cases.length).toBeGreaterThan(50);
      for (const entry of cases) {
        const bytes = bytesOf(entry);
        kernel.writeInput(bytes);
        const code = kernel.exports.readJson(bytes.length, READ_FLAG_LINE_BREAKS);
        expect(code === READ_OK, JSON.stringify(entry)).toBe(entry.result === "valid");
        if (entry.canonical === undefined) continue;
        kernel.writeInput(bytes);
        const size = kernel.exports.canonicalize(bytes.length);
        const at = kernel.canonicalAt;
        const text = Buffer.from(kernel.bytes.subarray(at, at + Math.max(size, 0)));
        expect(text.toString("utf8")).toBe(entry.canonical);
      }
    });
  }

  it("fingerprint.json: items and manifests have the digests as written", () => {
    const { items, manifests } = readVectors("fingerprint.json", FingerprintFile);
    for (const item of items) {
      const actual = attempt(() => FINGERPRINT[item.kind](bytesOf(item)));
      expect(actual, item.id).toBe(item.fingerprint);
    }
    for (const manifest of manifests) {
      const actual = attempt(() => fingerprintManifest(bytesOf(manifest)));
      expect(actual, manifest.id).toBe(manifest.manifest);
    }
  });

  it("message.json: every message has the shape as written", () => {
    const kernel = readerKernel(0);
    for (const entry of readVectors("message.json", MessageFile).cases) {
      const bytes = bytesOf(entry);
      kernel.writeInput(bytes);
      const lenient = entry.lenient === true ? READ_FLAG_LENIENT : 0;
      const http = entry.http === true ? READ_FLAG_LINE_BREAKS : 0;
      const shape = readShape(kernel, bytes.length, lenient | http);
      expect(shape.kind, entry.id).toBe(entry.result);
      if (shape.kind === "malformed") continue;
      expect(shape.method, entry.id).toBe(entry.method);
      const { messageId } = entry;
      if (messageId !== undefined) {
        const key = typeof messageId === "string" ? `s:${messageId}` : `n:${messageId}`;
        expect(shape.id?.key, entry.id).toBe(messageId === null ? "null" : key);
      }
    }
  });
});
