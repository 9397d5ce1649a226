// What the operator has set for the Worker: variables in wrangler.jsonc, secrets with `wrangler secret put`.

/** Throws where one is missing, or could not be meant. */
export function readSettings(env) {
  const { HOSTS, TOKENS, CONSENT_KEY, OPERATOR_SHA256, ...others } = env;
  const hosts = textOf({ HOSTS }).split(",");
  const tokens = JSON.parse(textOf({ TOKENS }));
  const key = textOf({ CONSENT_KEY });
  if (!/^(?:[0-9a-f]{2}){32,}$/.test(key)) {
    throw new Error("expected the secret CONSENT_KEY as 64 or more lower-case hex digits");
  }
  const consentKey = Uint8Array.from(key.match(/../g), (pair) => Number.parseInt(pair, 16));
  // values for `header_env` of the catalog: the credentials that the servers get, and nothing of the guard's
  const variables = Object.fromEntries(
    Object.entries(others).filter(([, value]) => typeof value === "string"),
  );
  return { hosts, tokens, consentKey, variables, operatorSha256: OPERATOR_SHA256?.trim() };
}

function textOf(setting) {
  const [[name, value]] = Object.entries(setting);
  if (typeof value === "string" && value.trim() !== "") return value.trim();
  throw new Error(`expected ${name}, got none: set it, as the README says`);
}
