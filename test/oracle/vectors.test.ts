import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { canonical } from "./canonical.ts";
import { fingerprintFile, fingerprintItem, KINDS } from "./fingerprint.ts";
import { readMessage } from "./message.ts";
import { isNumberAccepted, readStrict } from "./strict-json.ts";

/** The members that cases of all files share; the JSON Schemas beside the files say the rest. */
const Source = z.object({ text: z.string().optional(), hex: z.string().optional() });
const Shared = Source.extend({ id: z.string(), result: z.string(), reason: z.string().optional() });
const Related = Shared.extend({
  sameAs: z.string().optional(),
  differsFrom: z.string().optional(),
});
const JsonFile = z.object({ cases: z.array(Shared.extend({ canonical: z.string().optional() })) });
const NumberFile = z.object({
  cases: z.array(
    Shared.omit({ id: true }).extend({ text: z.string(), canonical: z.string().optional() }),
  ),
});
const Row = z.object({
  name: z.string().nullable(),
  fingerprint: z.string().optional(),
  error: z.string().optional(),
});
const FingerprintFile = z.object({
  items: z.array(
    Related.extend({
      kind: z.enum(["tool", "prompt", "resource", "resource_template"]),
      name: z.string().nullable(),
      canonical: z.string().optional(),
      fingerprint: z.string().optional(),
    }),
  ),
  manifests: z.array(
    Related.extend({
      manifest: z.string().optional(),
      tools: z.array(Row).optional(),
      prompts: z.array(Row).optional(),
      resources: z.array(Row).optional(),
      resourceTemplates: z.array(Row).optional(),
    }),
  ),
});
const MessageFile = z.object({
  cases: z.array(
    Shared.extend({
      lenient: z.literal(true).optional(),
      http: z.literal(true).optional(),
      messageId: z.union([z.string(), z.int(), z.null()]).optional(),
      idReadable: z.union([z.string(), z.int()]).optional(),
      method: z.string().optional(),
      name: z.string().optional(),
      uri: z.string().optional(),
      arguments: z.string().optional(),
    }),
  ),
});

function load(path: string): unknown {
  return JSON.parse(readFileSync(new URL(`../vectors/${path}`, import.meta.url), "utf8"));
}

function bytesOf({ text, hex }: z.infer<typeof Source>): Uint8Array {
  if ((text === undefined) === (hex === undefined)) throw new Error("expected one of text and hex");
  return text === undefined ? Buffer.from(hex ?? "", "hex") : Buffer.from(text, "utf8");
}

const json = JsonFile.parse(load("json-strict.json"));
const numbers = NumberFile.parse(load("number.json"));
const fingerprints = FingerprintFile.parse(load("fingerprint.json"));
const messages = MessageFile.parse(load("message.json"));

describe.each(["json-strict", "number", "fingerprint", "message"])("vector file %s", (name) => {
  const schema = z.fromJSONSchema(
    z.record(z.string(), z.json()).parse(load(`schema/${name}.schema.json`)),
  );

  it("follows its schema, which refuses an unknown member", () => {
    const file = load(`${name}.json`);
    expect(schema.safeParse(file).error).toBeUndefined();
    expect(schema.safeParse({ ...z.looseObject({}).parse(file), extra: 1 }).success).toBe(false);
    const broken = JSON.stringify(file).replace('"result":"invalid"', '"result":"perhaps"');
    const other = broken.replace('"result":"malformed"', '"result":"perhaps"');
    expect(schema.safeParse(JSON.parse(other)).success).toBe(false);
  });
});

describe("vectors against the oracle", () => {
  it("ids are unique and relations point to a case", () => {
    for (const list of [json.cases, fingerprints.items, fingerprints.manifests, messages.cases]) {
      expect(new Set(list.map(({ id }) => id)).size).toBe(list.length);
    }
    expect(new Set(numbers.cases.map(({ text }) => text)).size).toBe(numbers.cases.length);
  });

  it.each(json.cases)("json $id", (vector) => {
    const result = readStrict(bytesOf(vector));
    expect(result.ok ? "valid" : "invalid").toBe(vector.result);
    expect(result.ok ? undefined : result.error).toBe(vector.reason);
    expect(result.ok ? canonical(result.value) : undefined).toBe(vector.canonical);
  });

  it.each(numbers.cases)("number $text", (vector) => {
    const result = readStrict(bytesOf(vector));
    expect(result.ok ? undefined : result.error).toBe(vector.reason);
    expect(result.ok ? canonical(result.value) : undefined).toBe(vector.canonical);
    if (vector.reason !== "syntax") {
      expect(isNumberAccepted(vector.text)).toBe(vector.result === "valid");
    }
  });

  it.each(fingerprints.items)("definition $id", (vector) => {
    const bytes = bytesOf(vector);
    const { name, error, fingerprint } = fingerprintItem(vector.kind, bytes);
    expect({ name, error, fingerprint }).toEqual({
      name: vector.name,
      error: vector.reason,
      fingerprint: vector.fingerprint,
    });
    const value = readStrict(bytes);
    if (vector.result === "valid")
      expect(value.ok && canonical(value.value)).toBe(vector.canonical);
    const other = (id: string): unknown =>
      fingerprints.items.find((item) => item.id === id)?.fingerprint;
    if (vector.sameAs !== undefined) expect(fingerprint).toBe(other(vector.sameAs));
    if (vector.differsFrom !== undefined) {
      expect(other(vector.differsFrom)).toMatch(/^sha256:/);
      expect(fingerprint).not.toBe(other(vector.differsFrom));
    }
  });

  it.each(fingerprints.manifests)("manifest $id", (vector) => {
    const report = fingerprintFile(bytesOf(vector));
    expect(report.manifest).toBe(vector.manifest);
    const reason = report.ok ? undefined : (report.error ?? "item");
    expect(reason).toBe(vector.reason);
    const lists = new Map(Object.entries(vector));
    for (const { kind, list } of KINDS) {
      const rows = (report.items.get(kind) ?? []).map(({ index: _, ...row }) => row);
      expect(rows).toEqual(lists.get(list) ?? []);
    }
    const other = (id: string): unknown =>
      fingerprints.manifests.find((item) => item.id === id)?.manifest;
    if (vector.sameAs !== undefined) expect(report.manifest).toBe(other(vector.sameAs));
    if (vector.differsFrom !== undefined) {
      expect(other(vector.differsFrom)).toMatch(/^sha256:/);
      expect(report.manifest).not.toBe(other(vector.differsFrom));
    }
  });

  it.each(messages.cases)("message $id", (vector) => {
    const { lenient = false, http = false } = vector;
    const reading = readMessage(bytesOf(vector), { lenient, isHttp: http });
    expect(reading.kind).toBe(vector.result);
    const { messageId, idReadable, method, name, uri, reason } = vector;
    const expected = { id: messageId, idReadable, method, name, uri, reason };
    const { kind: _, ...rest } = reading;
    const raw = reading.kind === "request" ? reading.argumentsText : undefined;
    expect({ ...rest, argumentsText: undefined }).toEqual({
      ...expected,
      argumentsText: undefined,
    });
    expect(raw === undefined ? undefined : Buffer.from(raw).toString()).toBe(vector.arguments);
  });
});
