// A home with a signed catalog of the fixture server, made by the command line itself.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { applyPins, type ItemPin } from "../../src/catalog/edit.ts";
import { draftCatalog } from "../../src/cli/catalog-draft.ts";
import { fingerprintTool } from "../../src/manifest/fingerprint.ts";
import { FIXTURE_GRANTS, FIXTURE_TOOLS } from "../../src/testing/fixtures.ts";
import { cliJson, tempFolder } from "./process.ts";

export interface SignedHome {
  readonly folder: string;
  readonly dir: string;
  /** Private key with the roles root and catalog. */
  readonly key: string;
  readonly catalogFile: string;
}

export interface HomeOptions {
  /** Changes the text of the catalog before it is signed. */
  readonly edit?: (text: string) => string;
  readonly nowMs?: number;
  readonly command?: readonly string[];
  /** Default true. */
  readonly signs?: boolean;
}

export const SERVER = "mock";

/** The text of a catalog that pins the fixture tools. */
export function fixtureCatalog(options: HomeOptions = {}): string {
  const { edit = (text) => text, nowMs = Date.now() - 60_000 } = options;
  const { command = ["node", "server.js"] } = options;
  const tools = new Map(
    FIXTURE_TOOLS.map((tool): [string, ItemPin] => {
      const { scope, effect } = FIXTURE_GRANTS.get(tool.name) ?? { scope: [], effect: "read" };
      return [tool.name, { fingerprint: fingerprintTool(tool), scope, effect }];
    }),
  );
  const none = new Map<string, ItemPin>();
  const text = applyPins(draftCatalog("acme-agents", nowMs), SERVER, {
    ...{ tools, prompts: none, resources: none, resourceTemplates: none },
    server: { command, maxAllowedScope: ["fs.read", "fs.write", "fs.delete", "net.fetch"] },
  });
  return edit(text);
}

/** A key, a trust root, a catalog, a signature. */
export async function signedHome(options: HomeOptions = {}): Promise<SignedHome> {
  const folder = tempFolder();
  const dir = join(folder, "home");
  const key = join(folder, "alice.pem");
  const catalogFile = join(dir, "catalog.toml");
  await cliJson(["key", "new", "--out", key]);
  await cliJson(["root", "init", "--key", key, "--dir", dir]);
  writeFileSync(catalogFile, fixtureCatalog(options));
  if (options.signs !== false) await cliJson(["sign", "--key", key, "--dir", dir]);
  return { folder, dir, key, catalogFile };
}
