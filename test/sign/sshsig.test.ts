// OpenSSH signatures, made and verified by the real ssh-keygen where it is installed.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { concatBytes, fromBase64, utf8 } from "../../src/bytes.ts";
import { readPrivateKey } from "../../src/sign/key-file.ts";
import { writePem } from "../../src/sign/pem.ts";
import { sshPublicKeyBlob, sshString } from "../../src/sign/ssh-wire.ts";
import {
  parseSshsig,
  SSHSIG_NAMESPACE,
  signSshsig,
  verifiedSshsigKeys,
} from "../../src/sign/sshsig.ts";
import { hasProgram, run, temporaryDirectory } from "../fixtures/tools.ts";
import { alice, bob, expectCode, mallory } from "../fixtures/trust.ts";

const MESSAGE = utf8("schema = 1\n");
const hasSshKeygen = hasProgram("ssh-keygen");
const armoured = signSshsig(MESSAGE, alice);
const blob = fromBase64(armoured.replace(/-----[A-Z ]+-----|\s/g, ""));

function reArmoured(bytes: Uint8Array): string {
  return writePem("SSH SIGNATURE", bytes, 70);
}

/** Our signature with one piece of its blob replaced. */
function withPiece(from: Uint8Array, to: Uint8Array): string {
  const at = Buffer.from(blob).indexOf(from);
  expect(at).toBeGreaterThanOrEqual(0);
  return reArmoured(concatBytes(blob.slice(0, at), to, blob.slice(at + from.length)));
}

describe("parsing", () => {
  it("our own signature is verified for its key and message only", () => {
    const parsed = [parseSshsig(armoured)];
    const keys = [alice.publicKey, bob.publicKey];
    expect(verifiedSshsigKeys(MESSAGE, parsed, keys)).toEqual(new Set([alice.keyid]));
    expect(verifiedSshsigKeys(MESSAGE, parsed, [bob.publicKey])).toEqual(new Set());
    expect(verifiedSshsigKeys(utf8("schema = 2\n"), parsed, keys)).toEqual(new Set());
    expect(parseSshsig(armoured.replaceAll("\n", "\r\n"))).toEqual(parsed[0]);
  });

  it("duplicates count once, each other signer once", () => {
    const parsed = [alice, alice, bob, mallory].map((key) => parseSshsig(signSshsig(MESSAGE, key)));
    const found = verifiedSshsigKeys(MESSAGE, parsed, [alice.publicKey, bob.publicKey]);
    expect(found).toEqual(new Set([alice.keyid, bob.keyid]));
  });

  it("a signature that names another key than the one that made it counts for neither", () => {
    const borrowed = withPiece(
      sshPublicKeyBlob(alice.publicKey.bytes),
      sshPublicKeyBlob(bob.publicKey.bytes),
    );
    const keys = [alice.publicKey, bob.publicKey];
    expect(verifiedSshsigKeys(MESSAGE, [parseSshsig(borrowed)], keys)).toEqual(new Set());
  });

  it("another namespace, hash, key type or signature type is CATALOG_TYPE", () => {
    const namespace = sshString(SSHSIG_NAMESPACE);
    const type = sshString("ssh-ed25519");
    const head = concatBytes(sshString(sshPublicKeyBlob(alice.publicKey.bytes)).slice(0, 4), type);
    const texts = [
      withPiece(namespace, sshString("git")),
      withPiece(namespace, sshString("")),
      withPiece(namespace, sshString("portcullis-catalog2")),
      withPiece(namespace, sshString("Portcullis-catalog")),
      withPiece(sshString("sha512"), sshString("sha256")),
      withPiece(head, concatBytes(head.slice(0, 4), sshString("ssh-ed25518"))),
    ];
    for (const text of texts) expectCode(() => parseSshsig(text), "CATALOG_TYPE");
  });

  it("another version, magic, reserved bytes or armour is refused", () => {
    const reserved = concatBytes(sshString(SSHSIG_NAMESPACE), sshString(""));
    const texts = [
      "",
      "nothing",
      writePem("PUBLIC KEY", blob),
      armoured + armoured,
      reArmoured(concatBytes(utf8("SSHSIH"), blob.slice(6))),
      withPiece(Uint8Array.of(0, 0, 0, 1), Uint8Array.of(0, 0, 0, 2)),
      withPiece(Uint8Array.of(0, 0, 0, 1), Uint8Array.of(0, 0, 0, 0)),
      withPiece(reserved, concatBytes(sshString(SSHSIG_NAMESPACE), sshString("x"))),
    ];
    for (const text of texts) expectCode(() => parseSshsig(text), "CATALOG_ENVELOPE");
  });

  it("truncation anywhere and bytes behind any part are refused", () => {
    for (let size = 1; size < blob.length; size++) {
      expectCode(() => parseSshsig(reArmoured(blob.slice(0, size))), "CATALOG_ENVELOPE");
    }
    const keyBlob = sshPublicKeyBlob(alice.publicKey.bytes);
    const longerKey = sshString(concatBytes(keyBlob, Uint8Array.of(0)));
    const texts = [
      reArmoured(concatBytes(blob, Uint8Array.of(0))),
      withPiece(sshString(keyBlob), longerKey),
    ];
    for (const text of texts) expectCode(() => parseSshsig(text), "CATALOG_ENVELOPE");
  });

  it("a key or a signature of another size is refused", () => {
    const short = sshPublicKeyBlob(alice.publicKey.bytes.slice(1));
    const text = withPiece(sshString(sshPublicKeyBlob(alice.publicKey.bytes)), sshString(short));
    expectCode(() => parseSshsig(text), "CATALOG_ENVELOPE");
  });

  it("any flipped bit is refused or verifies nothing", () => {
    for (let bit = 0; bit < blob.length * 8; bit++) {
      const changed = blob.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      let found = 0;
      try {
        const parsed = [parseSshsig(reArmoured(changed))];
        found = verifiedSshsigKeys(MESSAGE, parsed, [alice.publicKey]).size;
      } catch {
        continue;
      }
      expect(found).toBe(0);
    }
  });
});

describe.skipIf(!hasSshKeygen)(`ssh-keygen${hasSshKeygen ? "" : " (not installed)"}`, () => {
  const directory = temporaryDirectory();
  const catalog = join(directory, "catalog.toml");
  writeFileSync(catalog, MESSAGE);
  function sshKey(name: string, type: string): string {
    const path = join(directory, name);
    run("ssh-keygen", ["-q", "-N", "", "-t", type, "-f", path]);
    return path;
  }
  function sign(key: string, namespace: string, ...options: readonly string[]): string {
    const args = ["-Y", "sign", "-n", namespace, "-f", key, ...options];
    return run("ssh-keygen", args, MESSAGE).toString();
  }
  const key = sshKey("ed25519", "ed25519");

  it("its signature is verified by us", async () => {
    const signer = await readPrivateKey(readFileSync(key, "utf8"));
    const parsed = [parseSshsig(sign(key, SSHSIG_NAMESPACE))];
    const keys = [alice.publicKey, signer.publicKey];
    expect(verifiedSshsigKeys(MESSAGE, parsed, keys)).toEqual(new Set([signer.keyid]));
    expect(verifiedSshsigKeys(utf8("x"), parsed, keys)).toEqual(new Set());
    expect(verifiedSshsigKeys(MESSAGE, parsed, [alice.publicKey])).toEqual(new Set());
  });

  it("its signature and ours are the same text for the same key", async () => {
    const signer = await readPrivateKey(readFileSync(key, "utf8"));
    expect(sign(key, SSHSIG_NAMESPACE)).toBe(signSshsig(MESSAGE, signer));
  });

  it("its signature for another namespace, with another hash or key type is CATALOG_TYPE", () => {
    const texts = [
      sign(key, "git"),
      sign(key, "file"),
      sign(key, SSHSIG_NAMESPACE, "-O", "hashalg=sha256"),
      sign(sshKey("rsa", "rsa"), SSHSIG_NAMESPACE),
      sign(sshKey("ecdsa", "ecdsa"), SSHSIG_NAMESPACE),
    ];
    for (const text of texts) expectCode(() => parseSshsig(text), "CATALOG_TYPE");
  });

  it("it verifies our signature, and refuses it for other bytes or another namespace", async () => {
    const signer = await readPrivateKey(readFileSync(key, "utf8"));
    const signature = join(directory, "ours.sig");
    writeFileSync(signature, signSshsig(MESSAGE, signer));
    const allowed = join(directory, "allowed");
    writeFileSync(allowed, `alice ${readFileSync(`${key}.pub`, "utf8")}`);
    const verify = (namespace: string, message: Uint8Array): string => {
      const who = ["-Y", "verify", "-I", "alice", "-f", allowed];
      return run("ssh-keygen", [...who, "-n", namespace, "-s", signature], message).toString();
    };
    expect(verify(SSHSIG_NAMESPACE, MESSAGE)).toContain('Good "portcullis-catalog" signature');
    expect(() => verify(SSHSIG_NAMESPACE, utf8("x"))).toThrow();
    expect(() => verify("git", MESSAGE)).toThrow();
  });
});
