// `#host` where there is nothing but the web's own interfaces: browsers and workers.
import type { AsyncHost, Host } from "./types.ts";

export const HOST: Host | undefined = undefined;

/**
 * Web Cryptography (W3C, with "Secure Curves"). A page without a secure context has none of it, and not
 * every browser has this curve.
 *
 * WHY: in a fresh worker the first signature takes 10 ms of CPU without it, and 1 with it.
 */
export const ASYNC_HOST: AsyncHost | undefined = {
  async verifyEd25519(publicKey, message, signature) {
    const { subtle } = globalThis.crypto;
    // copies, because it takes nothing of memory that is shared with another thread
    const raw = new Uint8Array(publicKey);
    const key = await subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
    return await subtle.verify("Ed25519", key, new Uint8Array(signature), new Uint8Array(message));
  },
};
