// One negative fixture for each row of the table of checks, through `portcullis verify --json` as a
// process; and the good one, with every check named.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { toBase64, toHex, utf8 } from "../../src/bytes.ts";
import { ROOT_PAYLOAD_TYPE } from "../../src/catalog/root.ts";
import { createRoot, type RootSettings } from "../../src/catalog/root-text.ts";
import { serializeTrustState, type TrustState } from "../../src/catalog/state.ts";
import { CATALOG_PAYLOAD_TYPE } from "../../src/catalog/verify-checks.ts";
import type { GuardErrorCode } from "../../src/errors.ts";
import { sha256 } from "../../src/kernel/digest.ts";
import { serverFingerprintOfPins } from "../../src/manifest/fingerprint.ts";
import { createEnvelope, serializeEnvelope } from "../../src/sign/dsse.ts";
import type { PrivateKey } from "../../src/sign/keys.ts";
import { signSshsig } from "../../src/sign/sshsig.ts";
import { alice, bob, catalogText, host, mallory, rootSettings } from "../fixtures/trust.ts";
import { type CliResult, cli, jsonOf, tempFolder } from "./process.ts";
import { fixtureCatalog } from "./signed-home.ts";

const NAMES =
  "state envelope root signature role threshold type schema expiry lifetime issued version id image";
const DAY_MS = 86_400_000;
const NOW_MS = Math.floor(Date.now() / 1000) * 1000;
const SMALL_ORDER_KEY = toBase64(Uint8Array.of(1, ...new Uint8Array(31)));

/** The files of a home; what is not given is the good one. */
interface HomeFiles {
  readonly catalog?: string | Uint8Array;
  readonly signers?: readonly PrivateKey[];
  readonly payloadType?: string;
  /** Changes the envelope's text. */
  readonly envelope?: (text: string) => string;
  readonly roots?: readonly string[];
  readonly pin?: string;
  readonly id?: string;
  readonly state?: string | Uint8Array;
  /** OpenSSH signatures in place of the envelope. */
  readonly signatures?: readonly string[];
}

/** A server whose start leaves a mark, where `PATH` names its program. */
const MARKED = `[servers.marked]
command = ["leave-mark"]
fingerprint = "${serverFingerprintOfPins({
  tools: new Map(),
  prompts: new Map(),
  resources: new Map(),
  resourceTemplates: new Map(),
  instructions: undefined,
})}"
max_allowed_scope = ["fs.read"]
`;
const GOOD = text({ version: 7 });
const ROOT_1 = rootText();

/** A catalog that is in date. */
function text(settings: {
  id?: string;
  version?: number;
  fromDays?: number;
  toDays?: number;
}): string {
  const { id, version, fromDays = -1, toDays = 89 } = settings;
  return catalogText({
    ...(id === undefined ? {} : { id }),
    ...(version === undefined ? {} : { version }),
    rest: MARKED,
    issued: instant(NOW_MS + fromDays * DAY_MS),
    expires: instant(NOW_MS + toDays * DAY_MS),
  });
}

function rootText(changes: Partial<RootSettings> = {}): string {
  return createRoot(rootSettings({ expiresMs: NOW_MS + 365 * DAY_MS, ...changes }));
}

function signedRoot(payload: string, signers: readonly PrivateKey[] = [alice]): string {
  return serializeEnvelope(createEnvelope(ROOT_PAYLOAD_TYPE, utf8(payload), signers));
}

function instant(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -5)}Z`;
}

function digest(payload: string): string {
  return toHex(sha256(utf8(payload)));
}

function state(changes: Partial<TrustState> = {}): Uint8Array {
  return serializeTrustState({
    rootVersion: 1,
    rootSha256: digest(ROOT_1),
    catalogVersion: 7,
    catalogSha256: digest(GOOD),
    ...changes,
  });
}

function writeHome(files: HomeFiles): string {
  const { catalog = GOOD, signers = [alice], payloadType = CATALOG_PAYLOAD_TYPE } = files;
  const { roots = [signedRoot(ROOT_1)], pin = digest(ROOT_1), id = "acme" } = files;
  const { envelope: change = (written: string) => written } = files;
  const dir = join(tempFolder(), "home");
  mkdirSync(dir, { mode: 0o700 });
  const payload = typeof catalog === "string" ? utf8(catalog) : catalog;
  writeFileSync(join(dir, "catalog.toml"), payload);
  writeFileSync(join(dir, "config.toml"), `root_pin = "sha256:${pin}"\nid = "${id}"\n`, {
    mode: 0o600,
  });
  for (const [index, root] of roots.entries()) {
    writeFileSync(join(dir, `root.${index + 1}.dsse.json`), root);
  }
  if (files.signatures === undefined) {
    const envelope = serializeEnvelope(createEnvelope(payloadType, payload, signers));
    writeFileSync(join(dir, "catalog.dsse.json"), change(envelope));
  }
  for (const [index, signature] of (files.signatures ?? []).entries()) {
    writeFileSync(join(dir, `catalog.toml.${index}.sig`), signature);
  }
  if (files.state !== undefined) writeFileSync(join(dir, "state.json"), files.state);
  return dir;
}

/** The good payload, with a signature over its base64 text in place of its bytes. */
function signedOverBase64(envelope: string): string {
  const base64 = toBase64(utf8(GOOD));
  const wrong = serializeEnvelope(createEnvelope(CATALOG_PAYLOAD_TYPE, utf8(base64), [alice]));
  const signatures = /"signatures":.*\]/.exec(wrong)?.[0] ?? "";
  return envelope.replace(/"signatures":.*\]/, signatures);
}

/** Alice's two signatures with two keyids: one key, counted twice by a careless reader. */
function twice(envelope: string): string {
  return envelope.replace(
    /"signatures":\[(\{[^}]*\})\]/,
    (_, one: string) =>
      `"signatures":[${one},${one.replace(/"keyid":"[^"]*"/, `"keyid":"${bob.keyid}"`)}]`,
  );
}

const TWO_OF_TWO = rootText({
  roles: {
    root: { keys: ["alice"], threshold: 1 },
    catalog: { keys: ["alice", "bob"], threshold: 2, maxLifetimeDays: 120 },
    audit: { keys: ["host-1"], threshold: 1 },
  },
});
const SMALL_ORDER_ROOT = ROOT_1.replace(/public = "[^"]*"/, `public = "${SMALL_ORDER_KEY}"`);
const AUDIT_CATALOG_ROOT = ROOT_1.replace('["alice", "bob"]', '["alice", "host-1"]');
const EXPIRED_ROOT = rootText({ expiresMs: NOW_MS - 1000 });
const ROOT_2 = rootText({ version: 2 });
const BOBS_ROOT_2 = rootText({
  version: 2,
  roles: {
    root: { keys: ["bob"], threshold: 1 },
    catalog: { keys: ["bob"], threshold: 1, maxLifetimeDays: 120 },
  },
});

type Row = readonly [what: string, code: GuardErrorCode, check: string, files: HomeFiles];

const ROWS: readonly Row[] = [
  [
    "a duplicate member in the envelope",
    "CATALOG_ENVELOPE",
    "envelope",
    { envelope: (e) => e.replace("{", '{"payload":"",') },
  ],
  [
    "base64 with non-zero trailing bits",
    "CATALOG_ENVELOPE",
    "envelope",
    { envelope: (e) => e.replace(/[AQgw]==/, "B==") },
  ],
  ["no envelope and no signature", "CATALOG_ENVELOPE", "envelope", { signatures: [] }],
  [
    "a payload that was tampered with",
    "CATALOG_SIGNATURE_INVALID",
    "signature",
    {
      envelope: (e) =>
        e.replace(/"payload":"[^"]*"/, `"payload":"${toBase64(utf8(text({ version: 8 })))}"`),
    },
  ],
  ["an unknown key", "CATALOG_SIGNATURE_INVALID", "signature", { signers: [mallory] }],
  [
    "E1: a signature over the base64 text",
    "CATALOG_SIGNATURE_INVALID",
    "signature",
    { envelope: signedOverBase64 },
  ],
  ["a stolen audit key", "CATALOG_ROLE", "role", { signers: [host] }],
  [
    "one key signing twice under two keyids",
    "CATALOG_THRESHOLD",
    "threshold",
    { roots: [signedRoot(TWO_OF_TWO)], pin: digest(TWO_OF_TWO), envelope: twice },
  ],
  [
    "a signature for something else",
    "CATALOG_TYPE",
    "type",
    { payloadType: "application/vnd.portcullis.root.v1+toml" },
  ],
  ["an OpenSSH signature for git", "CATALOG_TYPE", "envelope", { signatures: [sshsigFor("git")] }],
  ["what is not TOML", "CATALOG_SYNTAX", "schema", { catalog: `${GOOD}nonsense` }],
  [
    "what is not UTF-8",
    "CATALOG_SYNTAX",
    "schema",
    { catalog: Uint8Array.of(...utf8(GOOD), 0x23, 0xff) },
  ],
  [
    "an unknown key of the catalog",
    "CATALOG_SCHEMA",
    "schema",
    { catalog: `${GOOD}max_allowed_scop = []\n` },
  ],
  [
    "a fingerprint that is not the one of its pins",
    "CATALOG_FINGERPRINT",
    "schema",
    { catalog: wrongFingerprint(), id: "acme-agents" },
  ],
  [
    "a version older than the accepted one",
    "CATALOG_ROLLBACK",
    "version",
    { state: state(), catalog: text({ version: 6 }) },
  ],
  ["a version below the floor", "CATALOG_ROLLBACK", "version", floor(8)],
  [
    "the accepted version in other bytes",
    "CATALOG_EQUIVOCATION",
    "version",
    { state: state({ catalogSha256: "0".repeat(64) }) },
  ],
  [
    "an expired catalog",
    "CATALOG_EXPIRED",
    "expiry",
    { catalog: text({ fromDays: -90, toDays: 0 }) },
  ],
  [
    "a catalog that lives too long",
    "CATALOG_LIFETIME",
    "lifetime",
    { catalog: text({ fromDays: -1, toDays: 120 }) },
  ],
  ["a post-dated catalog", "CATALOG_NOT_YET_VALID", "issued", { catalog: text({ fromDays: 1 }) }],
  ["another tenant's catalog", "CATALOG_ID", "id", { catalog: text({ id: "other" }) }],
  [
    "a small-order key in the root",
    "ROOT_KEY_INVALID",
    "root",
    { roots: [signedRoot(SMALL_ORDER_ROOT)], pin: digest(SMALL_ORDER_ROOT) },
  ],
  [
    "an audit key that holds the role catalog",
    "ROOT_ROLE",
    "root",
    { roots: [signedRoot(AUDIT_CATALOG_ROOT)], pin: digest(AUDIT_CATALOG_ROOT) },
  ],
  [
    "E4: a root of somebody else",
    "ROOT_PIN",
    "root",
    { roots: [signedRoot(rootText({ catalogVersionFloor: 2 }))] },
  ],
  ["a root that nobody signed", "ROOT_SIGNATURE", "root", { roots: [signedRoot(ROOT_1, [])] }],
  [
    "a next root without the old threshold",
    "ROOT_SIGNATURE",
    "root",
    { roots: [signedRoot(ROOT_1), signedRoot(BOBS_ROOT_2, [bob])] },
  ],
  [
    "a next root without its own threshold",
    "ROOT_SIGNATURE",
    "root",
    { roots: [signedRoot(ROOT_1), signedRoot(BOBS_ROOT_2, [alice])] },
  ],
  [
    "a skipped root",
    "ROOT_CHAIN",
    "root",
    { roots: [signedRoot(ROOT_1), signedRoot(rootText({ version: 3 }))] },
  ],
  [
    "a root older than the accepted one",
    "ROOT_CHAIN",
    "root",
    { state: state({ rootVersion: 2, rootSha256: digest(ROOT_2) }) },
  ],
  ["no root at all", "ROOT_CHAIN", "root", { roots: [] }],
  [
    "an expired root",
    "ROOT_EXPIRED",
    "root",
    { roots: [signedRoot(EXPIRED_ROOT)], pin: digest(EXPIRED_ROOT) },
  ],
  ["a damaged state", "STATE_CORRUPT", "state", { state: new Uint8Array([...state(), 0x20]) }],
  ["an empty state", "STATE_CORRUPT", "state", { state: "" }],
];

function sshsigFor(namespace: string): string {
  const armoured = signSshsig(utf8(GOOD), alice);
  const blob = Buffer.from(armoured.replace(/-----[A-Z ]+-----|\s/g, ""), "base64");
  const wanted = Buffer.from("\0\0\0\x12portcullis-catalog");
  const at = blob.indexOf(wanted);
  const size = Buffer.alloc(4);
  size.writeUInt32BE(namespace.length);
  const parts = [
    blob.subarray(0, at),
    size,
    Buffer.from(namespace),
    blob.subarray(at + wanted.length),
  ];
  const body = Buffer.concat(parts).toString("base64");
  return `-----BEGIN SSH SIGNATURE-----\n${body}\n-----END SSH SIGNATURE-----\n`;
}

function wrongFingerprint(): string {
  return fixtureCatalog().replace(
    /(\[servers\.mock\][\s\S]*?fingerprint = "sha256:)[0-9a-f]{64}/,
    (_, head: string) => `${head}${"0".repeat(64)}`,
  );
}

function floor(version: number): HomeFiles {
  const root = rootText({ catalogVersionFloor: version });
  return { roots: [signedRoot(root)], pin: digest(root) };
}

/** What `run` says of this home, and whether it has started the server. */
async function runIn(dir: string): Promise<CliResult & { readonly hasStarted: boolean }> {
  const folder = tempFolder();
  const mark = join(folder, "mark");
  const program = `#!/bin/sh\n: > ${mark}\n`;
  writeFileSync(join(folder, "leave-mark"), program, { mode: 0o755 });
  const env = { PATH: `${folder}:${process.env["PATH"] ?? ""}` };
  const result = await cli(["run", "--server", "marked", "--dir", dir], { env });
  return { ...result, hasStarted: existsSync(mark) };
}

describe("verify --json", () => {
  it("names every check of the good one, exit 0", async () => {
    for (const files of [{}, { state: state() }, { signatures: [signSshsig(utf8(GOOD), alice)] }]) {
      const dir = writeHome(files);
      const result = await cli(["verify", "--json", "--dir", dir]);
      expect(result).toMatchObject({ code: 0, stderr: "" });
      const { ok, checks } = jsonOf(result);
      expect(ok).toBe(true);
      expect((await runIn(dir)).hasStarted).toBe(true);
      expect(checks).toEqual(
        NAMES.split(" ").map((name) => ({ name, ok: true, detail: expect.stringMatching(/./) })),
      );
    }
  });

  it.each(ROWS)("finds %s: %s", async (_, code, check, files) => {
    const dir = writeHome(files);
    const result = await cli(["verify", "--json", "--dir", dir]);
    expect(result).toMatchObject({ code: 1, stderr: "" });
    const { ok, checks, error } = jsonOf(result);
    expect({ ok, error }).toEqual({ ok: false, error: { code, message: expect.any(String) } });
    const list = Array.isArray(checks) ? checks : [];
    const names = NAMES.split(" ");
    expect(list.map(({ name }) => name)).toEqual(names.slice(0, names.indexOf(check) + 1));
    expect(list.filter((one) => !one.ok)).toEqual([
      { name: check, ok: false, detail: expect.stringMatching(/./) },
    ]);
    const explained = await cli(["verify", "--explain", "--dir", dir]);
    expect(explained.code).toBe(1);
    const failed = explained.stdout.split("\n").filter((line) => line.startsWith("FAILED"));
    expect(failed).toEqual([
      expect.stringMatching(new RegExp(`^FAILED +${check} .*\\(${code}\\)$`)),
    ]);
    for (const name of names)
      expect(explained.stdout).toMatch(new RegExp(`^\\S+ +${name} +\\S`, "m"));
    const guarded = await runIn(dir);
    expect(guarded).toMatchObject({ code: 2, stdout: "", hasStarted: false });
    expect(guarded.stderr).toContain(`(${code})`);
  });

  it("has a row for every code of the table", () => {
    const codes = new Set(ROWS.map(([, code]) => code));
    expect([...codes].sort()).toEqual(
      (
        "CATALOG_ENVELOPE CATALOG_EQUIVOCATION CATALOG_EXPIRED CATALOG_FINGERPRINT CATALOG_ID " +
        "CATALOG_LIFETIME CATALOG_NOT_YET_VALID CATALOG_ROLE CATALOG_ROLLBACK CATALOG_SCHEMA " +
        "CATALOG_SIGNATURE_INVALID CATALOG_SYNTAX CATALOG_THRESHOLD CATALOG_TYPE ROOT_CHAIN " +
        "ROOT_EXPIRED ROOT_KEY_INVALID ROOT_PIN ROOT_ROLE ROOT_SIGNATURE STATE_CORRUPT"
      ).split(" "),
    );
  });
});
