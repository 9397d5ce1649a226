// Key files: every form we read, the one we write, and what is refused.
import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { concatBytes, fromBase64, utf8 } from "../../src/bytes.ts";
import {
  isEncryptedPrivateKey,
  readPrivateKey,
  readPublicKey,
  writePrivateKey,
  writePublicKey,
} from "../../src/sign/key-file.ts";
import {
  encodeSpki,
  generatePrivateKey,
  keyidOf,
  PrivateKey,
  PublicKey,
} from "../../src/sign/keys.ts";
import { PBKDF2_ITERATIONS_MAX } from "../../src/sign/pbes2.ts";
import { writePem } from "../../src/sign/pem.ts";
import { hasProgram, run, temporaryDirectory } from "../fixtures/tools.ts";
import { expectCode, expectRejection, testKey } from "../fixtures/trust.ts";

const hasOpenssl = hasProgram("openssl");
const hasSshKeygen = hasProgram("ssh-keygen");
const PASSPHRASE = "correct horse \u00e9";
const key = testKey(1);

function derOf(pem: string): Uint8Array {
  return fromBase64(pem.replace(/-----[A-Z ]+-----|\s/g, ""));
}

/** The DER with the byte at `offset` replaced. */
function withByte(der: Uint8Array, offset: number, value: number): Uint8Array {
  const changed = der.slice();
  changed[offset] = value;
  return changed;
}

describe("keyid", () => {
  it("is the SHA-256 of the DER SubjectPublicKeyInfo that node:crypto writes", () => {
    const pem = writePublicKey(key.publicKey);
    const der = createPublicKey(pem).export({ format: "der", type: "spki" });
    expect(new Uint8Array(der)).toEqual(encodeSpki(key.publicKey.bytes));
    // WHY: a constant, so that a change of the framing cannot pass unseen
    expect(key.keyid).toBe("fd110d301d2f077de1414b8f99f441b1403fab207b2052fbd2c065e4ee8e7dc2");
    expect(keyidOf(key.publicKey.bytes)).toBe(key.keyid);
  });

  it("a caller who changes the bytes it was given changes neither key", () => {
    const seed = new Uint8Array(32).fill(1);
    const own = new PrivateKey(seed);
    seed.fill(0);
    own.publicKey.bytes.fill(0);
    own.revealSeed().fill(0);
    expect(own.sign(utf8("m"))).toEqual(key.sign(utf8("m")));
    expect(own.publicKey.bytes).toEqual(key.publicKey.bytes);
  });

  it("the seed is not shown by inspection or JSON", () => {
    const text = inspect(key, { depth: 9, showHidden: true }) + JSON.stringify(key);
    expect(text).not.toMatch(/1, 1, 1|0101|seed/);
  });

  it("a seed or a public key of another size is refused", () => {
    expectCode(() => new PrivateKey(new Uint8Array(31)), "KEY_INVALID");
    expectCode(() => new PrivateKey(new Uint8Array(64)), "KEY_INVALID");
    expectCode(() => new PublicKey(new Uint8Array(33)), "KEY_INVALID");
  });

  it("generated keys differ", () => {
    expect(generatePrivateKey().keyid).not.toBe(generatePrivateKey().keyid);
  });
});

describe("plain PKCS#8", () => {
  it("is written as node:crypto writes it, and read back", async () => {
    const pem = await writePrivateKey(key);
    expect(createPrivateKey(pem).export({ format: "pem", type: "pkcs8" })).toBe(pem);
    expect((await readPrivateKey(pem)).keyid).toBe(key.keyid);
    expect(isEncryptedPrivateKey(pem)).toBe(false);
    expect((await readPrivateKey(`\r\n${pem.replaceAll("\n", "\r\n")}`)).keyid).toBe(key.keyid);
  });

  it("with the right public key beside it is read, with another one refused", async () => {
    const der = derOf(await writePrivateKey(key));
    const versionTwo = (publicBytes: Uint8Array): string => {
      const inner = concatBytes(
        withByte(der, 4, 1).slice(2),
        Uint8Array.of(0x81, 33, 0),
        publicBytes,
      );
      return writePem("PRIVATE KEY", concatBytes(Uint8Array.of(0x30, inner.length), inner));
    };
    expect((await readPrivateKey(versionTwo(key.publicKey.bytes))).keyid).toBe(key.keyid);
    const other = versionTwo(testKey(2).publicKey.bytes);
    await expectRejection(readPrivateKey(other), "KEY_INVALID");
  });

  it("any truncation and any trailing byte is refused", async () => {
    const der = derOf(await writePrivateKey(key));
    for (let size = 1; size < der.length; size++) {
      const cut = writePem("PRIVATE KEY", der.subarray(0, size));
      await expectRejection(readPrivateKey(cut), "KEY_INVALID");
    }
    const longer = writePem("PRIVATE KEY", concatBytes(der, Uint8Array.of(0)));
    await expectRejection(readPrivateKey(longer), "KEY_INVALID");
  });

  it("any changed byte of its frame is refused", async () => {
    const der = derOf(await writePrivateKey(key));
    for (let offset = 0; offset < 16; offset++) {
      for (let bit = 0; bit < 8; bit++) {
        // version 1 with nothing beside it is a legal spelling of the same key
        if (offset === 4 && bit === 0) continue;
        const changed = withByte(der, offset, (der[offset] ?? 0) ^ (1 << bit));
        const pem = writePem("PRIVATE KEY", changed);
        await expectRejection(readPrivateKey(pem), "KEY_INVALID");
      }
    }
  });

  it("long forms of short lengths are refused: DER has one spelling", async () => {
    const body = derOf(await writePrivateKey(key)).slice(2);
    for (const head of [
      [0x30, 0x81, 46],
      [0x30, 0x82, 0, 46],
      [0x30, 0x83, 0, 0, 46],
      [0x30, 0x80],
    ]) {
      const pem = writePem("PRIVATE KEY", concatBytes(Uint8Array.from(head), body));
      await expectRejection(readPrivateKey(pem), "KEY_INVALID");
    }
  });

  it("keys of other kinds are refused with what to do", async () => {
    for (const type of ["x25519", "ed448"] as const) {
      // WHY: the overloads of generateKeyPairSync take one literal at a time
      const { privateKey } =
        type === "ed448" ? generateKeyPairSync("ed448") : generateKeyPairSync("x25519");
      const pem = privateKey.export({ format: "pem", type: "pkcs8" }).toString();
      const error = await expectRejection(readPrivateKey(pem), "KEY_INVALID");
      expect(error.message).toContain("portcullis key new");
    }
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const sec1 = privateKey.export({ format: "pem", type: "sec1" }).toString();
    await expectRejection(readPrivateKey(sec1), "KEY_INVALID");
    await expectRejection(readPrivateKey(writePublicKey(key.publicKey)), "KEY_INVALID");
  });
});

describe("PEM", () => {
  it("anything but one clean block is refused", async () => {
    const pem = await writePrivateKey(key);
    const [begin = "", body = "", end = ""] = pem.split("\n");
    const bad = [
      "",
      "nothing",
      `text before\n${pem}`,
      `${pem}text after`,
      pem + pem,
      `${begin}\n${end}\n`,
      `${begin}\n${body}\n`,
      `${begin}\n${body.slice(0, -1)}\n${end}`,
      `${begin}\n${body}*\n${end}`,
      `${begin}\nProc-Type: 4,ENCRYPTED\n\n${body}\n${end}`,
      `${begin}\n${body}\n-----END PUBLIC KEY-----`,
      `${begin}\n${body}\n${end}${" ".repeat(70_000)}x`,
    ];
    for (const text of bad) {
      const error = await expectRejection(readPrivateKey(text), "KEY_INVALID");
      expect(error.message).not.toContain(body.slice(20));
    }
  });

  it("is read up to 65 536 characters and not one more", async () => {
    const pem = await writePrivateKey(key);
    const padded = pem + "\n".repeat(65_536 - pem.length);
    expect((await readPrivateKey(padded)).keyid).toBe(key.keyid);
    await expectRejection(readPrivateKey(`${padded}\n`), "KEY_INVALID");
  });
});

describe("encrypted PKCS#8", () => {
  it("what we write node:crypto reads", async () => {
    const pem = await writePrivateKey(key, { passphrase: PASSPHRASE });
    expect(isEncryptedPrivateKey(pem)).toBe(true);
    const read = createPrivateKey({ key: pem, passphrase: PASSPHRASE });
    expect(read.export({ format: "pem", type: "pkcs8" })).toBe(await writePrivateKey(key));
    expect((await readPrivateKey(pem, { passphrase: PASSPHRASE })).keyid).toBe(key.keyid);
  });

  it("what node:crypto writes we read", async () => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const cipher = { cipher: "aes-256-cbc", passphrase: PASSPHRASE };
    const pem = privateKey.export({ format: "pem", type: "pkcs8", ...cipher }).toString();
    const read = await readPrivateKey(pem, { passphrase: PASSPHRASE });
    expect(writePublicKey(read.publicKey)).toBe(publicKey.export({ format: "pem", type: "spki" }));
  });

  it("a wrong, empty or absent passphrase is refused and never named", async () => {
    const pem = await writePrivateKey(key, { passphrase: PASSPHRASE });
    for (const passphrase of ["wrong-one", `${PASSPHRASE} `, "", undefined]) {
      const error = await expectRejection(readPrivateKey(pem, { passphrase }), "KEY_INVALID");
      expect(`${error.message}${String(error.cause)}`).not.toMatch(/wrong-one|horse/);
    }
    await expectRejection(writePrivateKey(key, { passphrase: "" }), "ARGUMENT_INVALID");
  });

  it("no wrong passphrase of many yields a key, padding by chance included", async () => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const cipher = { cipher: "aes-256-cbc", passphrase: PASSPHRASE };
    const pem = privateKey.export({ format: "pem", type: "pkcs8", ...cipher }).toString();
    for (let count = 0; count < 600; count++) {
      const passphrase = `guess ${count}`;
      await expectRejection(readPrivateKey(pem, { passphrase }), "KEY_INVALID");
    }
  });

  it("other suites are refused with the command that converts", async () => {
    const { privateKey } = generateKeyPairSync("ed25519");
    for (const cipher of ["aes-128-cbc", "aes-192-cbc", "des-ede3-cbc"]) {
      const options = { format: "pem", type: "pkcs8", cipher, passphrase: PASSPHRASE } as const;
      const pem = privateKey.export(options).toString();
      const reading = readPrivateKey(pem, { passphrase: PASSPHRASE });
      const error = await expectRejection(reading, "KEY_INVALID");
      expect(error.message).toContain("openssl pkcs8 -topk8");
    }
  });

  it("10 000 000 iterations are tried; 10 000 001 and 0 are refused before they cost time", async () => {
    const der = derOf(await writePrivateKey(key, { passphrase: PASSPHRASE }));
    // the count is the one INTEGER of three bytes: 600 000 = 0x0927c0
    const at = der.findIndex((byte, i) => byte === 9 && der[i + 1] === 0x27 && der[i + 2] === 0xc0);
    const withCount = (...content: readonly number[]): string => {
      const count = Uint8Array.of(content.length, ...content);
      const changed = concatBytes(der.slice(0, at - 1), count, der.slice(at + 3));
      // the lengths of the five SEQUENCEs around the count
      for (const offset of [2, 4, 17, 19, 32]) {
        changed[offset] = (changed[offset] ?? 0) + content.length - 3;
      }
      return writePem("ENCRYPTED PRIVATE KEY", changed);
    };
    const messageFor = async (text: string): Promise<string> => {
      const reading = readPrivateKey(text, { passphrase: PASSPHRASE });
      return (await expectRejection(reading, "KEY_INVALID")).message;
    };
    expect(PBKDF2_ITERATIONS_MAX).toBe(10_000_000);
    // the count is tried, and gives another key than the one it was encrypted with
    expect(await messageFor(withCount(0, 0x98, 0x96, 0x80))).toContain("expected the passphrase");
    expect(await messageFor(withCount(0, 0x98, 0x96, 0x81))).toContain("got 10000001");
    expect(await messageFor(withCount(0))).toContain("got 0");
    expect(await messageFor(withCount(0xff, 0xff))).toContain("integer");
    expect(await messageFor(withCount(0, 0x7f))).toContain("integer");
  });
});

describe.skipIf(!hasOpenssl)(`openssl${hasOpenssl ? "" : " (not installed)"}`, () => {
  const directory = temporaryDirectory();

  it("reads our keys, and we read its keys", async () => {
    const ours = join(directory, "ours.pem");
    writeFileSync(ours, await writePrivateKey(key, { passphrase: PASSPHRASE }), { mode: 0o600 });
    const publicPem = run("openssl", [
      "pkey",
      "-in",
      ours,
      "-passin",
      `pass:${PASSPHRASE}`,
      "-pubout",
    ]);
    expect(publicPem.toString()).toBe(writePublicKey(key.publicKey));

    const theirs = run("openssl", ["genpkey", "-algorithm", "ed25519"]).toString();
    const read = await readPrivateKey(theirs);
    const theirPublic = run("openssl", ["pkey", "-pubout"], theirs).toString();
    expect(readPublicKey(theirPublic).keyid).toBe(read.keyid);
  });

  it("encrypts a key that we read, by default and with the command we recommend", async () => {
    const plain = await writePrivateKey(key);
    const pass = ["-passout", `pass:${PASSPHRASE}`];
    const standard = run("openssl", ["pkey", "-aes-256-cbc", ...pass], plain).toString();
    expect((await readPrivateKey(standard, { passphrase: PASSPHRASE })).keyid).toBe(key.keyid);
    const suite = ["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA256"];
    const advised = run("openssl", ["pkcs8", "-topk8", ...suite, ...pass], plain).toString();
    expect((await readPrivateKey(advised, { passphrase: PASSPHRASE })).keyid).toBe(key.keyid);
    const weak = ["-v2", "aes-256-cbc", "-v2prf", "hmacWithSHA1"];
    const sha1 = run("openssl", ["pkcs8", "-topk8", ...weak, ...pass], plain).toString();
    await expectRejection(readPrivateKey(sha1, { passphrase: PASSPHRASE }), "KEY_INVALID");
  });
});

describe.skipIf(!hasSshKeygen)(`OpenSSH keys${hasSshKeygen ? "" : " (no ssh-keygen)"}`, () => {
  const directory = temporaryDirectory();
  function sshKey(name: string, ...options: readonly string[]): string {
    const path = join(directory, name);
    run("ssh-keygen", ["-q", "-N", "", "-C", name, "-f", path, ...options]);
    return path;
  }
  const path = sshKey("plain", "-t", "ed25519");
  const pem = readFileSync(path, "utf8");

  it("an unencrypted key and its .pub line are one key", async () => {
    const read = await readPrivateKey(pem);
    expect(readPublicKey(readFileSync(`${path}.pub`, "utf8")).keyid).toBe(read.keyid);
    // comments of every length take every amount of padding
    for (let size = 0; size < 9; size++) {
      const other = sshKey(`padding-${size}`, "-t", "ed25519", "-C", "c".repeat(size));
      const line = readFileSync(`${other}.pub`, "utf8");
      const again = await readPrivateKey(readFileSync(other, "utf8"));
      expect(again.keyid).toBe(readPublicKey(line).keyid);
    }
  });

  it("an encrypted key is refused with what to do", async () => {
    const encrypted = sshKey("encrypted", "-t", "ed25519", "-N", "passphrase");
    const reading = readPrivateKey(readFileSync(encrypted, "utf8"), { passphrase: "passphrase" });
    const error = await expectRejection(reading, "KEY_INVALID");
    expect(error.message).toContain("portcullis key new --encrypt");
  });

  it("an RSA or ECDSA key is refused", async () => {
    for (const type of ["rsa", "ecdsa"]) {
      const other = sshKey(type, "-t", type);
      await expectRejection(readPrivateKey(readFileSync(other, "utf8")), "KEY_INVALID");
      expectCode(() => readPublicKey(readFileSync(`${other}.pub`, "utf8")), "KEY_INVALID");
    }
  });

  it("a changed byte anywhere but in the comment is refused", async () => {
    const body = derOf(pem);
    const comment = body.length - 8 * Math.ceil(("plain".length + 1) / 8);
    const commentAt = Buffer.from(body).lastIndexOf("plain");
    expect(commentAt).toBeGreaterThan(comment - 16);
    for (let offset = 0; offset < body.length; offset++) {
      if (offset >= commentAt && offset < commentAt + "plain".length) continue;
      const changed = withByte(body, offset, (body[offset] ?? 0) ^ 0x10);
      const text = writePem("OPENSSH PRIVATE KEY", changed);
      await expectRejection(readPrivateKey(text), "KEY_INVALID");
    }
  });

  it("a truncated or lengthened file is refused", async () => {
    const body = derOf(pem);
    for (let size = 1; size < body.length; size++) {
      const text = writePem("OPENSSH PRIVATE KEY", body.subarray(0, size));
      await expectRejection(readPrivateKey(text), "KEY_INVALID");
    }
    const longer = writePem("OPENSSH PRIVATE KEY", concatBytes(body, new Uint8Array(8)));
    await expectRejection(readPrivateKey(longer), "KEY_INVALID");
  });
});

describe("public keys", () => {
  it("round-trip as SubjectPublicKeyInfo", () => {
    const pem = writePublicKey(key.publicKey);
    expect(pem).toMatch(/^-----BEGIN PUBLIC KEY-----\n/);
    expect(readPublicKey(pem).keyid).toBe(key.keyid);
  });

  it("of other kinds, small order, or with bytes behind them are refused", () => {
    const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey;
    const spki = encodeSpki(key.publicKey.bytes);
    const bad = [
      ec.export({ format: "pem", type: "spki" }).toString(),
      writePem("PUBLIC KEY", concatBytes(spki, Uint8Array.of(0))),
      writePem("PUBLIC KEY", withByte(spki, 8, 0x6e)),
      writePem("PUBLIC KEY", encodeSpki(concatBytes(Uint8Array.of(1), new Uint8Array(31)))),
      writePem("CERTIFICATE", spki),
      "ssh-ed25519",
      "ssh-ed25519 !!!!",
      "ssh-ed25519 AAAA\nssh-ed25519 AAAA",
    ];
    for (const text of bad) expectCode(() => readPublicKey(text), "KEY_INVALID");
  });
});
