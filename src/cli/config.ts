// `config.toml` of a home: which trust root and which catalog this host believes in.
import { join } from "node:path";
import { utf8Text } from "../bytes.ts";
import { childPath, documentPath } from "../catalog/key-path.ts";
import { nameFault } from "../catalog/names.ts";
import { member, readChoice, readClosedTable, readText } from "../catalog/schema.ts";
import { readToml } from "../catalog/toml.ts";
import { tomlString } from "../catalog/toml-write.ts";
import { GuardError, quote } from "../errors.ts";
import { MODE_PRIVATE_FILE, readOptionalFile, writeFileAtomic } from "./files.ts";
import { incomplete } from "./home.ts";

export interface Config {
  /** `sha256:<64 lower-case hex>` of the first trust root's payload. */
  readonly rootPin: string | undefined;
  /** The catalog id this host expects. */
  readonly id: string | undefined;
  /** What happens when a record cannot be written. */
  readonly audit: "required" | "best-effort";
}

/** Bytes of `config.toml`, at most. */
export const LIMIT_CONFIG_BYTES = 65_536;

const KEYS: ReadonlySet<string> = new Set(["root_pin", "id", "audit"]);
const ROOT_PIN = /^(?:sha256:)?([0-9a-f]{64})$/;
const HEADER = `# Which trust root and which catalog this host believes in. Whoever can write this file
# decides what the guard lets through.
`;

/**
 * Reads `config.toml`; a file that is not there is an empty one.
 *
 * @throws {GuardError} CONFIG_INVALID when it is not TOML, has an unknown key or a wrong value;
 *   FILE_UNREADABLE.
 */
export function readConfig(homePath: string): Config {
  const file = configFile(homePath);
  const bytes = readOptionalFile(file, LIMIT_CONFIG_BYTES) ?? new Uint8Array(0);
  try {
    return parseConfig(bytes);
  } catch (cause) {
    if (!(cause instanceof GuardError)) throw cause;
    throw new GuardError("CONFIG_INVALID", cause.message, { cause, at: { ...cause.at, file } });
  }
}

/**
 * The pin of the trust root.
 *
 * @throws {GuardError} HOME_INCOMPLETE when there is none.
 */
export function requiredPin(config: Config, homePath: string): string {
  if (config.rootPin !== undefined) return config.rootPin;
  throw incomplete(configFile(homePath), "a line `root_pin`");
}

/**
 * Adds lines to `config.toml`, which is made when it is not there; what is there stays.
 *
 * @throws {GuardError} FILE_UNREADABLE when it cannot be written.
 */
export function addToConfig(
  homePath: string,
  lines: { readonly rootPin?: string; readonly id?: string | undefined },
): void {
  const file = configFile(homePath);
  const bytes = readOptionalFile(file, LIMIT_CONFIG_BYTES);
  let text = bytes === undefined ? HEADER : (utf8Text(bytes) ?? "");
  if (text !== "" && !text.endsWith("\n")) text += "\n";
  if (lines.rootPin !== undefined) text += `root_pin = ${tomlString(lines.rootPin)}\n`;
  if (lines.id !== undefined) text += `id = ${tomlString(lines.id)}\n`;
  writeFileAtomic(file, text, MODE_PRIVATE_FILE);
}

export function configFile(homePath: string): string {
  return join(homePath, "config.toml");
}

function parseConfig(bytes: Uint8Array): Config {
  const path = documentPath("CATALOG");
  const table = readClosedTable(readToml(bytes, "CATALOG"), KEYS, path);
  const pinValue = member(table, "root_pin");
  const idValue = member(table, "id");
  const audit = member(table, "audit");
  return {
    rootPin:
      pinValue === undefined ? undefined : readPin(readText(pinValue, childPath(path, "root_pin"))),
    id: idValue === undefined ? undefined : readId(readText(idValue, childPath(path, "id"))),
    audit:
      audit === undefined
        ? "required"
        : readChoice(audit, childPath(path, "audit"), ["required", "best-effort"]),
  };
}

function readPin(text: string): string {
  const hex = ROOT_PIN.exec(text)?.[1];
  if (hex !== undefined) return `sha256:${hex}`;
  const message = `expected sha256: and 64 lower-case hex digits, got ${quote(text)}`;
  throw new GuardError("CONFIG_INVALID", message, { at: { path: "root_pin" } });
}

function readId(text: string): string {
  const wanted = nameFault(text);
  if (wanted === undefined) return text;
  throw new GuardError("CONFIG_INVALID", `${wanted}, got ${quote(text)}`, { at: { path: "id" } });
}
