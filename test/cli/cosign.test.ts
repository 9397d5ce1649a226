import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/bytes.ts";
import { parseCatalog } from "../../src/catalog/parse.ts";
import {
  addSignatures,
  createEnvelope,
  parseEnvelope,
  serializeEnvelope,
} from "../../src/sign/dsse.ts";
import { mallory } from "../fixtures/trust.ts";
import { cli, cliJson, expectFault, tempFolder } from "./process.ts";
import { fixtureCatalog } from "./signed-home.ts";

interface Pair {
  readonly dir: string;
  readonly alice: string;
  readonly bob: string;
  readonly catalog: string;
  readonly envelope: string;
}

/** Two operators, both of whom must sign, and a catalog that the first has signed. */
async function pair(
  options: { readonly text?: string; readonly signs?: boolean } = {},
): Promise<Pair> {
  const folder = tempFolder();
  const dir = join(folder, "home");
  const [alice, bob] = [join(folder, "alice.pem"), join(folder, "bob.pem")];
  for (const key of [alice, bob]) await cliJson(["key", "new", "--out", key]);
  mkdirSync(dir, { mode: 0o700 });
  const catalog = join(dir, "catalog.toml");
  writeFileSync(catalog, options.text ?? fixtureCatalog());
  await cliJson(["root", "init", "--key", `${alice},${bob}`, "--threshold", "2", "--dir", dir]);
  if (options.signs !== false) await cliJson(["sign", "--key", alice, "--dir", dir]);
  return { dir, alice, bob, catalog, envelope: join(dir, "catalog.dsse.json") };
}

describe("cosign", () => {
  it("adds a signature to exactly the same payload and says how many are missing", async () => {
    const made = await pair();
    const before = parseEnvelope(readFileSync(made.envelope));
    const again = await cliJson(["cosign", "--key", made.alice, "--dir", made.dir]);
    expect(again).toMatchObject({ threshold: 2, missing: 1 });
    const plain = await cli(["cosign", "--key", made.alice, "--dir", made.dir]);
    expect(plain.stdout).toContain("incomplete: 1 more of 2 signatures needed");
    const report = await cliJson(["cosign", "--key", made.bob, "--dir", made.dir]);
    expect(report).toMatchObject({ threshold: 2, missing: 0, version: 1, id: "acme-agents" });
    const after = parseEnvelope(readFileSync(made.envelope));
    expect(after.payload).toEqual(before.payload);
    expect(after.signatures).toHaveLength(2);
    expect(after.signatures[0]).toEqual(before.signatures[0]);
    expect((await cli(["verify", "--dir", made.dir])).code).toBe(0);
  });

  it("refuses a payload that is not catalog.toml, and writes nothing", async () => {
    const made = await pair();
    const before = readFileSync(made.envelope, "utf8");
    writeFileSync(made.catalog, `${readFileSync(made.catalog, "utf8")}# mine\n`);
    const argv = ["cosign", "--key", made.bob, "--dir", made.dir];
    const line = await expectFault(argv, "CATALOG_ENVELOPE");
    expect(line).toContain("differs from it");
    expect(line).not.toContain("CRLF");
    expect(readFileSync(made.envelope, "utf8")).toBe(before);
    rmSync(made.catalog);
    await expectFault(argv, "HOME_INCOMPLETE");
  });

  it("says when catalog.toml differs by its line ends alone", async () => {
    const made = await pair();
    const text = readFileSync(made.catalog, "utf8");
    writeFileSync(made.catalog, text.replaceAll("\n", "\r\n"));
    const argv = ["cosign", "--key", made.bob, "--dir", made.dir];
    const line = await expectFault(argv, "CATALOG_ENVELOPE");
    expect(line).toContain("converted from LF to CRLF line ends");
  });

  it("refuses a key without the role catalog, and none at all", async () => {
    const made = await pair();
    const audit = join(made.dir, "keys", "audit.pem");
    await expectFault(["cosign", "--key", audit, "--dir", made.dir], "CATALOG_ROLE");
    await expectFault(["cosign", "--dir", made.dir], "USAGE");
    expect(parseEnvelope(readFileSync(made.envelope)).signatures).toHaveLength(1);
  });

  it("refuses another payload type, a malformed envelope, and none at all", async () => {
    const made = await pair({ signs: false });
    const argv = ["cosign", "--key", made.bob, "--dir", made.dir];
    expect(await expectFault(argv, "CATALOG_ENVELOPE")).toContain("portcullis sign");
    writeFileSync(made.envelope, "{}");
    await expectFault(argv, "CATALOG_ENVELOPE");
    const other = createEnvelope("application/json", utf8(fixtureCatalog()), []);
    writeFileSync(made.envelope, serializeEnvelope(other));
    await expectFault(argv, "CATALOG_TYPE");
  });

  it("refuses what this host would not load", async () => {
    const text = fixtureCatalog().replace("acme-agents", "evil-agents");
    const made = await pair({ signs: false });
    writeFileSync(made.catalog, text);
    const envelope = createEnvelope("application/vnd.portcullis.catalog.v1+toml", utf8(text), []);
    writeFileSync(made.envelope, serializeEnvelope(envelope));
    await expectFault(["cosign", "--key", made.bob, "--dir", made.dir], "CATALOG_ID");
  });

  it("drops signatures that count for nothing, so that they cannot crowd the others out", async () => {
    const made = await pair();
    const signed = parseEnvelope(readFileSync(made.envelope));
    const crowd = addSignatures({ ...signed, signatures: [] }, Array(15).fill(mallory));
    const signatures = [...crowd.signatures, ...signed.signatures];
    writeFileSync(made.envelope, serializeEnvelope({ ...signed, signatures }));
    const report = await cliJson(["cosign", "--key", made.bob, "--dir", made.dir]);
    expect(report).toMatchObject({ missing: 0 });
    expect(parseEnvelope(readFileSync(made.envelope)).signatures).toHaveLength(2);
  });
});

describe("sign --renew", () => {
  it("makes the next version, issued now, as long as before; comments stay", async () => {
    const made = await pair({ text: `# mine\n${fixtureCatalog({ nowMs: Date.now() - 7e8 })}` });
    const before = parseCatalog(readFileSync(made.catalog));
    const startMs = Math.floor(Date.now() / 1000) * 1000;
    const report = await cliJson(["sign", "--renew", "--key", made.bob, "--dir", made.dir]);
    expect(report).toMatchObject({ version: 2, missing: 1 });
    const text = readFileSync(made.catalog, "utf8");
    const after = parseCatalog(utf8(text));
    expect(text.startsWith("# mine\n")).toBe(true);
    expect(after.version).toBe(2);
    expect(after.issuedMs).toBeGreaterThanOrEqual(startMs);
    expect(after.expiresMs - after.issuedMs).toBe(before.expiresMs - before.issuedMs);
    expect(parseEnvelope(readFileSync(made.envelope)).payload).toEqual(utf8(text));
    const lines = new Set(text.split("\n"));
    const gone = fixtureCatalog()
      .split("\n")
      .filter((line) => !lines.has(line));
    expect(gone.every((line) => /^(version|issued|expires)\b/.test(line))).toBe(true);
  });

  it("keeps a version that was never signed, and renews an expired catalog", async () => {
    const made = await pair({ signs: false, text: fixtureCatalog({ nowMs: Date.now() - 9e9 }) });
    const report = await cliJson(["sign", "--renew", "--key", made.bob, "--dir", made.dir]);
    expect(report).toMatchObject({ version: 1 });
  });

  it("a refused renewal leaves catalog.toml as it is", async () => {
    const made = await pair({ signs: false });
    const before = readFileSync(made.catalog, "utf8");
    const audit = join(made.dir, "keys", "audit.pem");
    await expectFault(["sign", "--renew", "--key", audit, "--dir", made.dir], "CATALOG_ROLE");
    expect(readFileSync(made.catalog, "utf8")).toBe(before);
    expect(existsSync(made.envelope)).toBe(false);
  });
});
