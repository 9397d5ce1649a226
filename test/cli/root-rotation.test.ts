// Rotation of the trust root through the command line: drafts, signatures, and what stays in force.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { toHex, utf8 } from "../../src/bytes.ts";
import { parseRoot, ROOT_PAYLOAD_TYPE } from "../../src/catalog/root.ts";
import { createRoot } from "../../src/catalog/root-text.ts";
import { sha256 } from "../../src/kernel/digest.ts";
import { createEnvelope, parseEnvelope, serializeEnvelope } from "../../src/sign/dsse.ts";
import { readPrivateKey, readPublicKey, writePrivateKey } from "../../src/sign/key-file.ts";
import { alice, rootSettings } from "../fixtures/trust.ts";
import { cli, cliJson, expectFault, jsonOf, tempFolder } from "./process.ts";
import { fixtureCatalog } from "./signed-home.ts";

interface Operators {
  readonly dir: string;
  readonly alice: string;
  readonly bob: string;
  readonly carol: string;
}

/** A home with a signed catalog; alice and bob hold root and catalog. */
async function operators(threshold = 2): Promise<Operators> {
  const folder = tempFolder();
  const dir = join(folder, "home");
  const keys = ["alice", "bob", "carol"].map((name) => join(folder, `${name}.pem`));
  const [first = "", second = "", third = ""] = keys;
  for (const key of keys) await cliJson(["key", "new", "--out", key]);
  mkdirSync(dir, { mode: 0o700 });
  writeFileSync(join(dir, "catalog.toml"), fixtureCatalog());
  const init = ["root", "init", "--key", `${first},${second}`, "--threshold", String(threshold)];
  await cliJson([...init, "--dir", dir]);
  await cliJson(["sign", "--key", first, "--dir", dir]);
  if (threshold === 2) await cliJson(["cosign", "--key", second, "--dir", dir]);
  return { dir, alice: first, bob: second, carol: third };
}

function addCarol({ dir, carol }: Operators): Promise<Record<string, unknown>> {
  const role = ["--role", "root,catalog"];
  return cliJson(["root", "add-key", "carol", "--key", `${carol}.pub`, ...role, "--dir", dir]);
}

function rootSign(dir: string, key: string): Promise<Record<string, unknown>> {
  return cliJson(["root", "sign", "--key", key, "--dir", dir]);
}

async function isVerified(dir: string): Promise<boolean> {
  return (await cli(["verify", "--dir", dir])).code === 0;
}

function rootFiles(dir: string): readonly string[] {
  return readdirSync(dir)
    .filter((name) => name.startsWith("root."))
    .sort();
}

const DRAFT = "root.2.draft.json";

describe("a draft", () => {
  it("changes nothing that is in force, and says what it changes and who must sign", async () => {
    const made = await operators();
    const before = readFileSync(join(made.dir, "root.1.dsse.json"), "utf8");
    const report = await addCarol(made);
    const { keyid } = readPublicKey(readFileSync(`${made.carol}.pub`, "utf8"));
    expect(report).toMatchObject({
      version: 2,
      file: join(made.dir, DRAFT),
      missing: 2,
      dropped: 0,
      signatures: { old: { signed: 0, threshold: 2 }, new: { signed: 0, threshold: 2 } },
    });
    const changes = JSON.stringify(report["changes"]);
    const added = [`+ key carol ${keyid}`, "+ role root to carol", "+ role catalog to carol"];
    // a draft of the same second expires with the root it follows
    expect(changes.replace(/,"~ expires [^"]*"\]$/, "]")).toBe(JSON.stringify(added));
    expect(rootFiles(made.dir)).toEqual(["root.1.dsse.json", DRAFT]);
    expect(readFileSync(join(made.dir, "root.1.dsse.json"), "utf8")).toBe(before);
    expect(await isVerified(made.dir)).toBe(true);
  });

  it("collects further changes, and a change costs its signatures and says so", async () => {
    const made = await operators();
    const { dir } = made;
    await addCarol(made);
    await rootSign(dir, made.alice);
    const floor = await cliJson(["root", "set-floor", "1", "--dir", dir]);
    expect(floor).toMatchObject({ dropped: 0, missing: 1 });
    const report = await cliJson(["root", "set-threshold", "3", "--role", "root", "--dir", dir]);
    expect(report).toMatchObject({ dropped: 1, missing: 3, version: 2 });
    expect(report["changes"]).toContain("~ threshold of root 2 -> 3");
    expect(report["changes"]).toContain("+ role root to carol");
    const plain = await cli(["root", "drop-key", "carol", "--role", "catalog", "--dir", dir]);
    expect(plain.stdout).not.toContain("+ role catalog to carol");
    const text = readFileSync(join(dir, DRAFT));
    expect(parseEnvelope(text).signatures).toEqual([]);
  });

  it("a change that is refused writes nothing", async () => {
    const made = await operators();
    const { dir } = made;
    const bad: readonly (readonly [string, readonly string[]])[] = [
      ["ARGUMENT_INVALID", ["drop-key", "alice"]],
      ["ARGUMENT_INVALID", ["drop-key", "nobody"]],
      ["ARGUMENT_INVALID", ["set-threshold", "3", "--role", "root"]],
      ["ROOT_ROLE", ["add-key", "alice", "--role", "audit"]],
      ["ROOT_ROLE", ["add-key", "al", "--key", `${made.alice}.pub`, "--role", "root"]],
      ["ROOT_SCHEMA", ["add-key", "no name", "--key", `${made.carol}.pub`, "--role", "root"]],
      ["KEY_INVALID", ["add-key", "x", "--key", join(dir, "config.toml"), "--role", "root"]],
      ["USAGE", ["add-key", "x", "--key", `${made.carol}.pub`]],
      ["USAGE", ["add-key", "x", "--key", `${made.carol}.pub`, "--role", "rot"]],
      ["USAGE", ["set-threshold", "0", "--role", "root"]],
      ["USAGE", ["set-threshold", "2"]],
      ["USAGE", ["set-floor", "1.5"]],
      ["USAGE", ["set-floor"]],
      ["USAGE", ["drop-key", "alice", "bob"]],
      ["HOME_INCOMPLETE", ["sign", "--key", made.alice]],
    ];
    for (const [code, argv] of bad) await expectFault(["root", ...argv, "--dir", dir], code);
    expect(rootFiles(dir)).toEqual(["root.1.dsse.json"]);
  });
});

describe("root sign", () => {
  it("needs the old threshold and its own; until then the root in force stays", async () => {
    const made = await operators();
    const { dir } = made;
    await addCarol(made);
    // carol is a root key of the draft alone: it counts for version 2, not for version 1
    expect(await rootSign(dir, made.carol)).toMatchObject({
      complete: false,
      missing: 2,
      signatures: { old: { signed: 0, threshold: 2 }, new: { signed: 1, threshold: 2 } },
    });
    expect(await rootSign(dir, made.alice)).toMatchObject({
      missing: 1,
      signatures: { old: { signed: 1 }, new: { signed: 2 } },
    });
    expect(await rootSign(dir, made.alice)).toMatchObject({ missing: 1 });
    expect(rootFiles(dir)).toEqual(["root.1.dsse.json", DRAFT]);
    expect(await isVerified(dir)).toBe(true);
    const done = await rootSign(dir, made.bob);
    expect(done).toMatchObject({ complete: true, missing: 0, catalog: { ok: true } });
    expect(rootFiles(dir)).toEqual(["root.1.dsse.json", "root.2.dsse.json"]);
    expect(parseEnvelope(readFileSync(join(dir, "root.2.dsse.json"))).signatures).toHaveLength(3);
    expect(await isVerified(dir)).toBe(true);
    await expectFault(["root", "sign", "--key", made.alice, "--dir", dir], "HOME_INCOMPLETE");
  });

  it("refuses a key without the role root, and a draft that was not the reviewed one", async () => {
    const made = await operators();
    const { dir } = made;
    await cliJson(["root", "renew", "--dir", dir]);
    await expectFault(["root", "sign", "--key", made.carol, "--dir", dir], "ROOT_ROLE");
    const audit = join(dir, "keys", "audit.pem");
    await expectFault(["root", "sign", "--key", audit, "--dir", dir], "ROOT_ROLE");
    const shown = await cliJson(["root", "show", "--dir", dir]);
    const draft = shown["draft"];
    const digest =
      typeof draft === "object" && draft && "sha256" in draft ? String(draft.sha256) : "";
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    await cliJson(["root", "set-floor", "9", "--dir", dir]);
    const argv = ["root", "sign", "--key", made.alice, "--dir", dir];
    await expectFault([...argv, "--expect", digest], "ROOT_SIGNATURE");
    await expectFault([...argv, "--expect", "sha256:1"], "USAGE");
    expect(parseEnvelope(readFileSync(join(dir, DRAFT))).signatures).toEqual([]);
  });

  it("keeps one signature for each key that counts, and no other", async () => {
    const made = await operators();
    const { dir } = made;
    await addCarol(made);
    const file = join(dir, DRAFT);
    const draft = parseEnvelope(readFileSync(file));
    const crowd = createEnvelope(ROOT_PAYLOAD_TYPE, draft.payload, Array(16).fill(alice));
    writeFileSync(file, serializeEnvelope(crowd));
    await rootSign(dir, made.alice);
    await rootSign(dir, made.bob);
    const { signatures } = parseEnvelope(readFileSync(join(dir, "root.2.dsse.json")));
    expect(signatures).toHaveLength(2);
  });

  it("warns when the signed catalog does not count under the new root, and sign --renew mends it", async () => {
    const made = await operators(1);
    const { dir } = made;
    await cliJson(["root", "set-floor", "5", "--dir", dir]);
    const done = await rootSign(dir, made.alice);
    expect(done).toMatchObject({
      complete: true,
      catalog: { ok: false, code: "CATALOG_ROLLBACK" },
    });
    expect(await isVerified(dir)).toBe(false);
    const signed = await cliJson(["sign", "--renew", "--key", made.alice, "--dir", dir]);
    expect(signed).toMatchObject({ version: 5, missing: 0 });
    expect(await isVerified(dir)).toBe(true);
  });

  it("a draft that somebody else put there is refused, whatever it claims", async () => {
    const made = await operators();
    const { dir } = made;
    const file = join(dir, DRAFT);
    const draft = (version: number, type = ROOT_PAYLOAD_TYPE): string =>
      serializeEnvelope(createEnvelope(type, utf8(createRoot(rootSettings({ version }))), [alice]));
    const argv = ["root", "sign", "--key", made.alice, "--dir", dir];
    for (const [code, text] of [
      ["ROOT_CHAIN", draft(3)],
      ["ROOT_SCHEMA", draft(2, "application/json")],
      ["ROOT_SYNTAX", "{}"],
    ] as const) {
      writeFileSync(file, text);
      await expectFault(argv, code);
    }
    // one that is well-formed drops alice and bob: alice's signature alone does not install it
    writeFileSync(file, draft(2));
    const signed = await cliJson(argv);
    expect(signed).toMatchObject({ complete: false, missing: 1 });
    expect(signed["changes"]).toContainEqual(expect.stringMatching(/^- role root from bob$/));
    expect(await isVerified(dir)).toBe(true);
  });

  it("reads encrypted and OpenSSH keys as every other command", async () => {
    const made = await operators(1);
    const env = { PORTCULLIS_KEY_PASSPHRASE: "open sesame" };
    const key = await readPrivateKey(readFileSync(made.alice, "utf8"));
    const encrypted = join(made.dir, "..", "encrypted.pem");
    writeFileSync(encrypted, await writePrivateKey(key, { passphrase: "open sesame" }), {
      mode: 0o600,
    });
    await cliJson(["root", "renew", "--dir", made.dir]);
    const argv = ["root", "sign", "--key", encrypted, "--dir", made.dir];
    await expectFault(argv, "USAGE");
    expect(await cliJson(argv, { env })).toMatchObject({ complete: true });
  });
});

describe("root show", () => {
  it("prints versions, keys with their keyids, roles, thresholds, expiry, floor and pin", async () => {
    const made = await operators();
    const { dir } = made;
    await addCarol(made);
    const report = await cliJson(["root", "show", "--dir", dir]);
    const keyids = [made.alice, made.bob].map(
      (file) => readPublicKey(readFileSync(`${file}.pub`, "utf8")).keyid,
    );
    const pin = /"(sha256:[0-9a-f]{64})"/.exec(readFileSync(join(dir, "config.toml"), "utf8"))?.[1];
    expect(report).toMatchObject({
      pin,
      sha256: pin,
      version: 1,
      versions: [1],
      floor: 1,
      expired: false,
      maxLifetimeDays: 120,
      roles: {
        root: { threshold: 2, keys: ["alice", "bob"] },
        catalog: { threshold: 2, keys: ["alice", "bob"] },
        audit: { threshold: 1, keys: ["audit"] },
      },
      draft: { version: 2, missing: 2 },
    });
    expect(report["keys"]).toContainEqual({
      name: "alice",
      keyid: keyids[0],
      roles: ["root", "catalog"],
    });
    const { stdout } = await cli(["root", "show", "--dir", dir]);
    for (const part of [
      ...keyids,
      pin ?? "",
      "2 of 2",
      "audit",
      "draft    version 2",
      "+ key carol",
    ]) {
      expect(stdout).toContain(part);
    }
  });

  it("an expired root: exit 1, and the next one is drafted and signed all the same", async () => {
    const made = await operators(1);
    const { dir } = made;
    const signer = await readPrivateKey(readFileSync(made.alice, "utf8"));
    const old = parseRoot(parseEnvelope(readFileSync(join(dir, "root.1.dsse.json"))).payload);
    const settings = rootSettings({
      keys: new Map([["alice", signer.publicKey]]),
      expiresMs: Math.floor(Date.now() / 1000) * 1000 - 1000,
      roles: {
        root: { keys: ["alice"], threshold: 1 },
        catalog: { keys: ["alice"], threshold: 1, maxLifetimeDays: 120 },
      },
    });
    const payload = utf8(createRoot(settings));
    const envelope = createEnvelope(ROOT_PAYLOAD_TYPE, payload, [signer]);
    writeFileSync(join(dir, "root.1.dsse.json"), serializeEnvelope(envelope));
    const config = join(dir, "config.toml");
    const text = readFileSync(config, "utf8").replace(old.sha256, toHex(sha256(payload)));
    rmSync(config);
    writeFileSync(config, text, { mode: 0o600 });
    const shown = await cli(["root", "show", "--dir", dir, "--json"]);
    expect(shown.code).toBe(1);
    expect(jsonOf(shown)).toMatchObject({ ok: false, expired: true, version: 1 });
    expect(await isVerified(dir)).toBe(false);
    await cliJson(["root", "renew", "--dir", dir]);
    expect(await rootSign(dir, made.alice)).toMatchObject({
      complete: true,
      catalog: { ok: true },
    });
    expect(await isVerified(dir)).toBe(true);
    expect(existsSync(join(dir, "root.2.dsse.json"))).toBe(true);
  });

  it("is a fault for a home without a root, and for a chain that does not hold", async () => {
    const made = await operators();
    await expectFault(["root", "show", "--dir", join(tempFolder(), "no")], "HOME_INCOMPLETE");
    writeFileSync(
      join(made.dir, "root.2.dsse.json"),
      readFileSync(join(made.dir, "root.1.dsse.json")),
    );
    await expectFault(["root", "show", "--dir", made.dir], "ROOT_CHAIN");
  });
});
