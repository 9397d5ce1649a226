// Signed catalogs, one that is accepted and one for each way of being refused.
import { toHex } from "../../src/bytes.ts";
import { ROOT_PAYLOAD_TYPE } from "../../src/catalog/root.ts";
import { signSshsig } from "../../src/sign/sshsig.ts";
import { EXAMPLE, sealed } from "../fixtures/catalog.ts";
import {
  alice,
  bob,
  catalogText,
  EXPIRES_MS,
  host,
  ISSUED_MS,
  mallory,
  NOW_MS,
  ROOT_EXPIRES_MS,
  rootDigest,
  rootSettings,
  signedCatalog,
  signedRoot,
} from "../fixtures/trust.ts";
import type { CatalogCase } from "./vectors-type.ts";

const decoder = new TextDecoder();
const text = (bytes: Uint8Array): string => decoder.decode(bytes);

/** The defaults are accepted. */
function catalogCase(id: string, want: string, changes: Partial<CatalogCase> = {}): CatalogCase {
  const signed = changes.toml === undefined ? { envelope: text(signedCatalog()) } : {};
  return { id, want, roots: [text(signedRoot())], nowMs: NOW_MS, ...signed, ...changes };
}

function enveloped(content: string, signers = [alice]): Partial<CatalogCase> {
  return { envelope: text(signedCatalog(content, signers)) };
}

/** A root in which two must sign a catalog. */
function rootOfTwo(): string {
  const { roles } = rootSettings();
  return text(signedRoot({ roles: { ...roles, catalog: { ...roles.catalog, threshold: 2 } } }));
}

/** An envelope whose last signature was changed in one place. */
function forged(): string {
  return text(signedCatalog()).replace(/"sig": ?"(.)/, (whole, first: string) =>
    whole.replace(/.$/, first === "A" ? "B" : "A"),
  );
}

/** Catalogs in both containers: accepted, and refused by each check of 10-catalog section 3. */
export function catalogCases(): CatalogCase[] {
  const toml = sealed(EXAMPLE);
  const next = signedRoot({ version: 2 });
  return [
    catalogCase("empty", "ok"),
    catalogCase("example", "ok", enveloped(toml)),
    catalogCase("example of two", "ok", {
      roots: [rootOfTwo()],
      ...enveloped(toml, [alice, bob]),
    }),
    catalogCase("openssh", "ok", {
      toml,
      signatures: [signSshsig(new TextEncoder().encode(toml), bob)],
    }),
    catalogCase("chain of roots", "ok", { roots: [text(signedRoot()), text(next)] }),
    catalogCase("pinned", "ok", { rootPin: rootDigest(), expectId: "acme", minVersion: 7 }),
    catalogCase("no envelope", "CATALOG_ENVELOPE", { envelope: "{}" }),
    catalogCase("forged", "CATALOG_SIGNATURE_INVALID", { envelope: forged() }),
    catalogCase("unknown key", "CATALOG_SIGNATURE_INVALID", enveloped(catalogText(), [mallory])),
    catalogCase("audit key", "CATALOG_ROLE", enveloped(catalogText(), [host])),
    catalogCase("one of two", "CATALOG_THRESHOLD", { roots: [rootOfTwo()] }),
    catalogCase("another type", "CATALOG_TYPE", {
      envelope: text(signedCatalog(catalogText(), [alice], ROOT_PAYLOAD_TYPE)),
    }),
    catalogCase("no toml", "CATALOG_SYNTAX", enveloped("schema = \n")),
    catalogCase("unknown key in toml", "CATALOG_SCHEMA", enveloped(`${catalogText()}bogus = 1\n`)),
    catalogCase(
      "unsealed",
      "CATALOG_FINGERPRINT",
      enveloped(EXAMPLE.replaceAll("@FP@", `sha256:${"0".repeat(64)}`)),
    ),
    catalogCase("last moment", "ok", { nowMs: EXPIRES_MS - 1 }),
    catalogCase("expired", "CATALOG_EXPIRED", { nowMs: EXPIRES_MS }),
    catalogCase("of the future", "CATALOG_NOT_YET_VALID", { nowMs: ISSUED_MS - 3_600_000 }),
    catalogCase(
      "too long a life",
      "CATALOG_LIFETIME",
      enveloped(catalogText({ expires: "2027-06-20T00:00:00Z" })),
    ),
    catalogCase("rolled back", "CATALOG_ROLLBACK", { minVersion: 8 }),
    catalogCase("another id", "CATALOG_ID", { expectId: "other" }),
    catalogCase("root of mallory", "ROOT_SIGNATURE", { roots: [text(signedRoot({}, [mallory]))] }),
    catalogCase("another root", "ROOT_PIN", { rootPin: toHex(new Uint8Array(32)) }),
    catalogCase("gap in the chain", "ROOT_CHAIN", {
      roots: [text(signedRoot()), text(signedRoot({ version: 3 }))],
    }),
    catalogCase("expired root", "ROOT_EXPIRED", { nowMs: ROOT_EXPIRES_MS }),
  ];
}
