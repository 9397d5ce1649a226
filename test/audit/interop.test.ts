// What a log leaves for others: statements that stock tools verify, checkpoints that a reader
// written from the C2SP texts alone verifies, roots that a naive RFC 6962 tree gives.
import { createHash, createPublicKey, verify } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { crypto, dsse } from "@sigstore/core";
import { describe, expect, it } from "vitest";
import { verifierKey } from "../../src/audit/checkpoint.ts";
import { checkpointName, originOf } from "../../src/audit/origin.ts";
import { MerkleTree } from "../../src/audit/tree.ts";
import { toHex, utf8 } from "../../src/bytes.ts";
import { writePublicKey } from "../../src/sign/key-file.ts";
import { auditGuard, bytesIn, closedLog } from "../fixtures/audit.ts";
import { hasProgram, run, temporaryDirectory } from "../fixtures/tools.ts";
import { host, mallory, NOW_MS } from "../fixtures/trust.ts";

const guard = auditGuard();
const LOG = closedLog(guard, 100, { process: { host: "höst_1.b", pid: 5, startMs: NOW_MS } });
const INPUT = LOG.toInput();
const text = (source: unknown): string => Buffer.from(bytesIn(source)).toString();
const LINES = text(INPUT.records).split("\n").slice(0, -1);

interface Wire {
  readonly payload: string;
  readonly payloadType: string;
  readonly signatures: readonly { readonly sig: string; readonly keyid: string }[];
}

interface Statement {
  readonly _type: string;
  readonly subject: readonly {
    readonly name: string;
    readonly digest: { readonly sha256: string };
  }[];
  readonly predicateType: string;
  readonly predicate: { readonly seq: number; readonly decision: string };
}

const ENVELOPES: readonly Wire[] = text(INPUT.statements)
  .split("\n")
  .slice(0, -1)
  .map((line): Wire => JSON.parse(line));

function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/** RFC 6962 section 2.1, as it is written there. */
function naiveRoot(entries: readonly Uint8Array[]): Buffer {
  const [first] = entries;
  if (first === undefined) return sha256();
  if (entries.length === 1) return sha256(Uint8Array.of(0), first);
  let k = 1;
  while (k * 2 < entries.length) k *= 2;
  const [left, right] = [naiveRoot(entries.slice(0, k)), naiveRoot(entries.slice(k))];
  return sha256(Uint8Array.of(1), left, right);
}

describe("the tree", () => {
  it("has the roots of RFC 6962 for every size", () => {
    const tree = new MerkleTree();
    const entries: Uint8Array[] = [];
    for (let size = 0; size < 140; size++) {
      expect(toHex(tree.root())).toBe(naiveRoot(entries).toString("hex"));
      const entry = utf8(`entry ${size}`);
      expect(toHex(tree.append(entry))).toBe(sha256(Uint8Array.of(0), entry).toString("hex"));
      entries.push(entry);
    }
    const large = new Uint8Array(100_000).fill(3);
    expect(toHex(tree.append(large))).toBe(sha256(Uint8Array.of(0), large).toString("hex"));
  });
});

/** A signed note with one Ed25519 key, read by the C2SP texts; fails the test when it is none. */
function readNote(note: string, vkey: string): { origin: string; size: number; root: Buffer } {
  const [name = "", hash = "", encoded = ""] = vkey.split("+");
  const key = Buffer.from(encoded, "base64");
  expect(key).toHaveLength(33);
  expect(key[0]).toBe(1);
  expect(
    sha256(Buffer.from(`${name}\n`), key)
      .subarray(0, 4)
      .toString("hex"),
  ).toBe(hash);
  const split = note.lastIndexOf("\n\n");
  const body = note.slice(0, split + 1);
  const match = /^\u2014 (\S+) ([A-Za-z0-9+/=]+)\n$/.exec(note.slice(split + 2));
  expect(match?.[1]).toBe(name);
  const signature = Buffer.from(match?.[2] ?? "", "base64");
  expect(signature.subarray(0, 4).toString("hex")).toBe(hash);
  const jwk = { kty: "OKP", crv: "Ed25519", x: key.subarray(1).toString("base64url") };
  const publicKey = createPublicKey({ key: jwk, format: "jwk" });
  expect(verify(null, Buffer.from(body), publicKey, signature.subarray(4))).toBe(true);
  const [origin = "", size = "", root = "", end, ...rest] = body.split("\n");
  expect([end, rest]).toEqual(["", []]);
  return { origin, size: Number(size), root: Buffer.from(root, "base64") };
}

describe("a checkpoint", () => {
  it("is a C2SP tlog-checkpoint of the records, under the host's name", () => {
    const name = "portcullis/h--st-1.b/h--st-1.b-5-1796083200000";
    expect(checkpointName(INPUT.origin)).toBe(name);
    const vkey = verifierKey(name, host.publicKey);
    const notes = text(INPUT.history).match(/(?:.*\n){5}/g) ?? [];
    expect(notes.length).toBeGreaterThan(2);
    for (const note of notes) {
      const { origin, size, root } = readNote(note, vkey);
      expect(origin).toBe(name);
      const entries = LINES.slice(0, size).map((line) => Buffer.from(line));
      expect(root.equals(naiveRoot(entries))).toBe(true);
    }
    expect(text(INPUT.checkpoint)).toBe(notes.at(-1));
  });

  it("names every host with letters, digits, dots and dashes alone", () => {
    const named = (name: string): string => originOf({ host: name, pid: 1, startMs: 2 });
    expect(named("a.b-C9")).toBe("a.b-C9-1-2");
    expect(named("a/../b c\n")).toBe("a-..-b-c--1-2");
    expect(named("")).toBe("--1-2");
    expect(originOf({ host: "h", pid: Number.NaN, startMs: 1.5 })).toBe("h-0-0");
    expect(checkpointName(named("a/../b c\n"))).toBe("portcullis/a-..-b-c-/a-..-b-c--1-2");
  });
});

describe("the statement of a refusal", () => {
  it("is an in-toto Statement v1 about the record's leaf, the catalog and the kernel", () => {
    const refused = LINES.flatMap((line, seq) => (line.includes('"deny"') ? [{ line, seq }] : []));
    expect(ENVELOPES).toHaveLength(refused.length);
    for (const [index, { line, seq }] of refused.entries()) {
      const { payload, payloadType } = ENVELOPES[index] ?? expect.fail("no envelope");
      const statement: Statement = JSON.parse(Buffer.from(payload, "base64").toString());
      expect(payloadType).toBe("application/vnd.in-toto+json");
      expect(statement).toEqual({
        _type: "https://in-toto.io/Statement/v1",
        subject: [
          {
            name: `${checkpointName(INPUT.origin)}/${seq}`,
            digest: { sha256: sha256(Uint8Array.of(0), Buffer.from(line)).toString("hex") },
          },
          { name: "catalog", digest: { sha256: guard.verified.sha256 } },
          { name: "kernel", digest: { sha256: guard.evidence.subject.kernelSha256 } },
        ],
        predicateType: "urn:portcullis:decision:v1",
        predicate: JSON.parse(line),
      });
      expect(statement.predicate).toMatchObject({ seq, decision: "deny", reason: "tool_smuggle" });
    }
  });

  it("verifies with @sigstore/core under the audit key, and under no other", () => {
    for (const { payload, payloadType, signatures } of ENVELOPES) {
      const signed = dsse.preAuthEncoding(payloadType, Buffer.from(payload, "base64"));
      const signature = Buffer.from(signatures[0]?.sig ?? "", "base64");
      const keyOf = (key: typeof host) => crypto.createPublicKey(writePublicKey(key.publicKey));
      expect(crypto.verify(signed, keyOf(host), signature)).toBe(true);
      expect(crypto.verify(signed, keyOf(mallory), signature)).toBe(false);
    }
  });

  it.skipIf(!hasProgram("openssl"))("verifies with openssl", () => {
    const folder = temporaryDirectory();
    const file = (name: string, content: string | Uint8Array): string => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    const { payload, payloadType, signatures } = ENVELOPES[0] ?? expect.fail("no envelope");
    const body = Buffer.from(payload, "base64");
    const head = `DSSEv1 ${payloadType.length} ${payloadType} ${body.length} `;
    const key = file("key.pem", writePublicKey(host.publicKey));
    const signature = file("sig", Buffer.from(signatures[0]?.sig ?? "", "base64"));
    const signed = (bytes: Uint8Array): string =>
      file("signed", Buffer.concat([Buffer.from(head), bytes]));
    const args = ["pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", key, "-sigfile", signature];
    const out = run("openssl", [...args, "-in", signed(body)]).toString();
    expect(out).toContain("Signature Verified Successfully");
    body[20] = (body[20] ?? 0) ^ 1;
    expect(() => run("openssl", [...args, "-in", signed(body)])).toThrow("pkeyutl -verify");
  });
});
