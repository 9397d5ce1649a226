/** What the operator has set for the Worker. Throws where something is missing, or could not be meant. */
export function readSettings(env: Readonly<Record<string, unknown>>): {
  readonly hosts: readonly string[];
  readonly tokens: readonly object[];
  readonly consentKey: Uint8Array<ArrayBuffer>;
  /** Values for `header_env` of the catalog. */
  readonly variables: Readonly<Record<string, string>>;
  readonly operatorSha256: string | undefined;
};
