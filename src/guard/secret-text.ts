// What is never shown of an argument: values under telling names, and texts that look like keys.
// Every expression here is bounded, because the text is the agent's.

/** Folded parts of names whose values are secrets. */
const SECRET_PARTS =
  /password|passwd|passphrase|passcode|secret|token|authorization|apikey|accesskey|privatekey|signingkey|encryptionkey|credential|cookie|bearer|connectionstring/;
/** Folded names that say it only as a whole. */
const SECRET_NAMES: ReadonlySet<string> = new Set("pass pwd pin otp jwt auth sas pat".split(" "));
/** Counts of tokens of a language model. */
const TOKEN_COUNT = /tokens$|tokencount$|tokenlimit$/;

/** True when what stands under `key` is a secret: `api_key`, `Authorization`, `db-password`. */
export function isSecretKey(key: string): boolean {
  const folded = foldKey(key);
  return SECRET_PARTS.test(folded) || SECRET_NAMES.has(folded);
}

/** True for names of counts (`max_tokens`): their numbers are no secrets. */
export function isCountKey(key: string): boolean {
  return TOKEN_COUNT.test(foldKey(key));
}

function foldKey(key: string): string {
  return key.toLowerCase().replace(/[^a-z0-9]/g, "");
}

/** What stands in the place of a secret. */
export function maskOf(what: string, size: number): string {
  return `<masked: ${what}, ${size} characters>`;
}

const PRIVATE_KEY =
  /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|$)/g;
const BEARER = /\b(bearer\s+)([^\s"',;]{8,})/gi;
const BASIC = /\b(basic\s+)([A-Za-z0-9+/]{8,}={1,2})/gi;
const USER_INFO = /(:\/\/[^\s/?#@:]{0,256}:)([^\s/?#@]{1,1024})(?=@)/g;
const ASSIGNMENT =
  /((?:password|passwd|secret|token|api[_-]?key|access[_-]?key)["']?\s{0,4}[=:]\s{0,4}["']?)([^\s"'&,;<]{4,})/gi;
const JSON_WEB_TOKEN = /\beyJ[A-Za-z0-9_-]{5,512}\.[A-Za-z0-9_-]{5,2048}\.[A-Za-z0-9_-]{0,2048}/g;
const TOKEN = /[A-Za-z0-9_+/-]{16,}/g;

/** `text` with everything that looks like a key, a token or a password masked. */
export function maskSecrets(text: string): string {
  return text
    .replace(PRIVATE_KEY, (found) => maskOf("private key", found.length))
    .replace(BEARER, (_, lead: string, value: string) => lead + maskOf("token", value.length))
    .replace(BASIC, (_, lead: string, value: string) => lead + maskOf("password", value.length))
    .replace(USER_INFO, (_, lead: string, value: string) => lead + maskOf("password", value.length))
    .replace(ASSIGNMENT, (_, lead: string, value: string) => lead + maskOf("secret", value.length))
    .replace(JSON_WEB_TOKEN, (found) => maskOf("json web token", found.length))
    .replace(TOKEN, maskToken);
}

/** A token, or a path, of which each step may be one. */
function maskToken(token: string): string {
  if (token.includes("/") && PATH_STEP.test(token)) {
    return token.split("/").map(maskToken).join("/");
  }
  const what = tokenKind(token);
  return what === undefined ? token : maskOf(what, token.length);
}

/** A step of a path: a word between two slashes, or a slash at one end. */
const PATH_STEP = /^\/|\/$|(?:^|\/)[a-z]{3,}(?:\/|$)/;

const PREFIXES: readonly (readonly [string, RegExp])[] = [
  ["api key", /^(?:sk|pk|rk)[-_](?=.*\d)[A-Za-z0-9_-]{16,}$/],
  ["github token", /^(?:gh[oprsu]_|github_pat_)[A-Za-z0-9_]{16,}$/],
  ["gitlab token", /^gl[a-z]{2,5}-[A-Za-z0-9_-]{16,}$/],
  ["slack token", /^xox[a-z]-[A-Za-z0-9-]{10,}$/],
  ["aws key", /^A(?:KIA|SIA)[A-Z0-9]{16}$/],
  ["google key", /^AIza[A-Za-z0-9_-]{30,}$/],
  ["npm token", /^npm_[A-Za-z0-9]{30,}$/],
];

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const RANDOM_SIZE_MIN = 24;
const ENTROPY_BITS_MIN = 3.2;
/** Share of neighbours of another class (lower, upper, digit): words have few, keys many. */
const CHANGE_SHARE_MIN = 0.25;

function tokenKind(token: string): string | undefined {
  const known = PREFIXES.find(([, pattern]) => pattern.test(token));
  if (known !== undefined) return known[0];
  if (token.length < RANDOM_SIZE_MIN || UUID.test(token)) return undefined;
  const isRandom = changeShare(token) >= CHANGE_SHARE_MIN && entropyBits(token) >= ENTROPY_BITS_MIN;
  return isRandom ? "random text" : undefined;
}

function changeShare(text: string): number {
  let changes = 0;
  let last = classOf(text.charCodeAt(0));
  for (let index = 1; index < text.length; index++) {
    const next = classOf(text.charCodeAt(index));
    // a capital before a small letter starts a word
    if (next !== last && !(last === UPPER && next === LOWER)) changes += 1;
    last = next;
  }
  return changes / text.length;
}

const DIGIT = 1;
const UPPER = 2;
const LOWER = 3;
const OTHER = 4;

function classOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return DIGIT;
  if (code >= 0x41 && code <= 0x5a) return UPPER;
  return code >= 0x61 && code <= 0x7a ? LOWER : OTHER;
}

/** Shannon entropy in bits a character. */
function entropyBits(text: string): number {
  const counts = new Map<number, number>();
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  let bits = 0;
  for (const count of counts.values())
    bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}
