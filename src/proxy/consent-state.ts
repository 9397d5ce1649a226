// The `requestState` of the guard: what a modern client brings back with a person's answer. It is
// authenticated and not secret; only digests of what was asked are in it.
import { fromBase64, fromHex, toBase64, toHex, utf8, utf8Text } from "../bytes.ts";
import { isJsonObject, type JsonObject } from "../guard/argument-snapshot.ts";
import type { ConsentBinding } from "../guard/consent-record.ts";
import { frameFields } from "../kernel/framed.ts";
import { hmacSha256 } from "../kernel/hmac.ts";
import { GUARD_ID_PREFIX } from "./complete-listing.ts";

/** What the guard knew when it asked. */
export interface ConsentState {
  /** The call: principal, session, server, item, arguments, what asked, the session's labels. */
  readonly binding: ConsentBinding;
  /** Of the text that was shown. */
  readonly textHash: string;
  /** ms since the epoch. */
  readonly expiresAtMs: number;
  /** Used once. */
  readonly nonce: string;
  /** The server's own state, as JSON text; `null` = the call had none. */
  readonly requestState: string | null;
  /** The answers that the call brought to the server's own questions, likewise. */
  readonly inputResponses: string | null;
}

const VERSION = `${GUARD_ID_PREFIX}v1.`;
const TAG = "portcullis:request-state:v1";
/** Bytes of a key, at least. */
export const CONSENT_KEY_SIZE = 32;

/** @param key CONSENT_KEY_SIZE secret bytes */
export function sealConsentState(key: Uint8Array, state: ConsentState): string {
  const payload = utf8(JSON.stringify(state));
  return `${VERSION}${toBase64(payload)}.${toHex(macOf(key, payload))}`;
}

/** The state that this key has sealed; `undefined` for everything else. Never throws. */
export function openConsentState(key: Uint8Array, text: string): ConsentState | undefined {
  if (!text.startsWith(VERSION)) return undefined;
  const [body = "", mac = "", ...more] = text.slice(VERSION.length).split(".");
  const given = fromHex(mac);
  if (more.length > 0 || given === undefined) return undefined;
  try {
    const payload = fromBase64(body);
    if (!isSameMac(macOf(key, payload), given)) return undefined;
    return readState(JSON.parse(utf8Text(payload) ?? ""));
  } catch {
    // no base64, no json
    return undefined;
  }
}

function macOf(key: Uint8Array, payload: Uint8Array): Uint8Array {
  return hmacSha256(key, frameFields(TAG, payload));
}

/** WHY: in a time that does not depend on where they differ. */
function isSameMac(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (const [index, byte] of a.entries()) difference |= byte ^ (b[index] ?? 0);
  return difference === 0;
}

/** Authenticated already: this only gives the members their types. */
function readState(value: unknown): ConsentState | undefined {
  if (!isJsonObject(value)) return undefined;
  const binding = readBinding(value["binding"]);
  const { textHash, expiresAtMs, nonce, requestState, inputResponses } = value;
  if (binding === undefined || typeof expiresAtMs !== "number") return undefined;
  if (typeof textHash !== "string" || typeof nonce !== "string") return undefined;
  if (!isTextOrNull(requestState) || !isTextOrNull(inputResponses)) return undefined;
  return { binding, textHash, expiresAtMs, nonce, requestState, inputResponses };
}

function readBinding(value: unknown): ConsentBinding | undefined {
  if (!isJsonObject(value)) return undefined;
  const { kind, asking, taint, hadLease } = value;
  if (kind !== "tool" && kind !== "prompt" && kind !== "resource" && kind !== "resource_template") {
    return undefined;
  }
  if (typeof asking !== "number" || typeof taint !== "number" || typeof hadLease !== "boolean") {
    return undefined;
  }
  return {
    principalHash: textOf(value, "principalHash"),
    sessionHash: textOf(value, "sessionHash"),
    serverId: textOf(value, "serverId"),
    kind,
    itemName: textOf(value, "itemName"),
    itemFingerprint: textOf(value, "itemFingerprint"),
    argsDigest: textOf(value, "argsDigest"),
    imageDigest: textOf(value, "imageDigest"),
    asking,
    taint,
    hadLease,
  };
}

function textOf(value: JsonObject, name: string): string {
  const text = value[name];
  return typeof text === "string" ? text : "";
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === "string";
}
