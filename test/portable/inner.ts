// What the conformance module needs beside the root export. The driver replaces each `../../src/` by
// the folder of the installed package: these are the files that are shipped, too.
export { AEPEmitter } from "../../src/audit/aep.ts";
export { MemoryAuditLog } from "../../src/audit/memory-log.ts";
export { fromHex, toHex, utf8 } from "../../src/bytes.ts";
export { executeFrame } from "../../src/kernel/decide.ts";
export { loadImage } from "../../src/kernel/image-kernel.ts";
export {
  assertPublicKey,
  isEquationSatisfied,
  verifyEd25519,
  verifyEd25519Later,
} from "../../src/sign/ed25519.ts";
export { verifyNatively, verifyNativelyLater } from "../../src/sign/ed25519-native.ts";
export { PrivateKey } from "../../src/sign/keys.ts";
