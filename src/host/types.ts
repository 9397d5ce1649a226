// What a host can lend: things that portcullis computes itself where no host does.
export interface Host {
  /** The bytes of strict base64 in the standard alphabet; `undefined` for any other text. */
  decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined;
  /** SHA-256 of `bytes`: 32 bytes. */
  sha256(bytes: Uint8Array): Uint8Array<ArrayBuffer>;
  /**
   * Verifies Ed25519 signatures of one key.
   *
   * @param spki DER of SubjectPublicKeyInfo (RFC 8410)
   * @throws {Error} of a host without this curve
   */
  ed25519Verifier(spki: Uint8Array): Ed25519Verifier;
  /**
   * Signs with one Ed25519 key.
   *
   * @param pkcs8 DER of PrivateKeyInfo (RFC 8410)
   * @throws {Error} of a host without this curve
   */
  ed25519Signer(pkcs8: Uint8Array): Ed25519Signer;
  /**
   * The public half of an Ed25519 key, as DER of SubjectPublicKeyInfo.
   *
   * @param pkcs8 DER of PrivateKeyInfo
   * @throws {Error} of a host without this curve
   */
  ed25519PublicKey(pkcs8: Uint8Array): Uint8Array;
}

export type Ed25519Verifier = (message: Uint8Array, signature: Uint8Array) => boolean;

/** Gives R || S. */
export type Ed25519Signer = (message: Uint8Array) => Uint8Array;

/** What a host lends that it answers later. */
export interface AsyncHost {
  /**
   * Verifies one Ed25519 signature.
   *
   * @param publicKey 32 bytes
   * @param signature 64 bytes, R || S
   * @throws {Error} (rejects) of a host without this curve, or without the interface
   */
  verifyEd25519(
    publicKey: Uint8Array,
    message: Uint8Array,
    signature: Uint8Array,
  ): Promise<boolean>;
}
