// The SSH wire format (RFC 4251 section 5) and Ed25519 public key blobs (RFC 8709).
import { concatBytes, utf8, utf8Text } from "../bytes.ts";
import { GuardError, type GuardErrorCode } from "../errors.ts";

export const SSH_ED25519 = "ssh-ed25519";

/** Reads fields one after another; every read moves the cursor behind the field. */
export class SshReader {
  readonly #bytes: Uint8Array;
  readonly #code: GuardErrorCode;
  #offset = 0;

  /** @param code of the GuardError for a field that is cut or bytes that are left over. */
  constructor(bytes: Uint8Array, code: GuardErrorCode) {
    this.#bytes = bytes;
    this.#code = code;
  }

  /** The next `size` bytes. */
  readBytes(size: number): Uint8Array {
    const start = this.#offset;
    if (size > this.#bytes.length - start) {
      throw new GuardError(
        this.#code,
        `expected ${size} more bytes of SSH data, got an early end`,
        {
          at: { offset: start },
        },
      );
    }
    this.#offset = start + size;
    return this.#bytes.subarray(start, start + size);
  }

  /** The next uint32, big end first. */
  readUint32(): number {
    return this.readBytes(4).reduce((value, byte) => value * 256 + byte, 0);
  }

  /** The next length-prefixed byte string. */
  readString(): Uint8Array {
    return this.readBytes(this.readUint32());
  }

  /** The next byte string as text. */
  readText(): string {
    const text = utf8Text(this.readString());
    if (text === undefined) throw new GuardError(this.#code, "expected UTF-8 in an SSH string");
    return text;
  }

  /** Everything that is left. */
  readRest(): Uint8Array {
    return this.readBytes(this.#bytes.length - this.#offset);
  }

  end(): void {
    const left = this.#bytes.length - this.#offset;
    if (left !== 0) {
      throw new GuardError(this.#code, `expected the end of the SSH data, got ${left} more bytes`);
    }
  }
}

/** A big-endian uint32. */
export function sshUint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** A length-prefixed string. */
export function sshString(value: Uint8Array | string): Uint8Array {
  const bytes = typeof value === "string" ? utf8(value) : value;
  return concatBytes(sshUint32(bytes.length), bytes);
}

/** `string "ssh-ed25519", string key`. */
export function sshPublicKeyBlob(publicKey: Uint8Array): Uint8Array {
  return concatBytes(sshString(SSH_ED25519), sshString(publicKey));
}
