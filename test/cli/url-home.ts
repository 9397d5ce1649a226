// A home whose catalog has one server behind a URL, with a key that signs it.
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { draftCatalog } from "../../src/cli/catalog-draft.ts";
import { cliJson, tempFolder } from "./process.ts";

export interface UrlHome {
  readonly dir: string;
  readonly key: string;
}

/**
 * Makes a home in which the server `remote` is named, and not pinned yet.
 *
 * @param members further lines of the server's entry
 */
export async function makeUrlHome(url: string, ...members: readonly string[]): Promise<UrlHome> {
  const folder = tempFolder();
  const dir = join(folder, "home");
  const key = join(folder, "alice.pem");
  await cliJson(["key", "new", "--out", key]);
  await cliJson(["root", "init", "--key", key, "--dir", dir]);
  const file = join(dir, "catalog.toml");
  writeFileSync(file, draftCatalog("acme-agents", Date.now() - 60_000));
  const entry = [
    "[servers.remote]",
    `url = ${JSON.stringify(url)}`,
    `fingerprint = "sha256:${"0".repeat(64)}"`,
    'max_allowed_scope = ["admin", "fs.delete"]',
    ...members,
  ];
  appendFileSync(file, `\n${entry.join("\n")}\n`);
  return { dir, key };
}
