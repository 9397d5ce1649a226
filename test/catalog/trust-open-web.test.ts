// `TrustedCatalog.open` as in a browser or a worker, where the host verifies signatures later: the same suite.
import { describe, expect, it, vi } from "vitest";
import { TrustedCatalog } from "../../src/catalog/trusted.ts";
import {
  alice,
  catalogText,
  mallory,
  NOW_MS,
  signedCatalog,
  signedRoot,
} from "../fixtures/trust.ts";

vi.mock("#host", () => import("../../src/host/web.ts"));

await import("./trust-open.test.ts");

describe("the host of a browser or a worker", () => {
  it("verifies the root, the catalog, and before both what shows its equation", async () => {
    const asked = vi.spyOn(globalThis.crypto.subtle, "verify");
    const clock = () => NOW_MS;
    const root = signedRoot();
    const open = (signer: typeof alice): Promise<TrustedCatalog> =>
      TrustedCatalog.open({ root, envelope: signedCatalog(catalogText(), [signer]), clock });
    await open(alice);
    const first = asked.mock.calls.length;
    await open(alice);
    expect(asked.mock.calls.length - first).toBe(2);
    await expect(open(mallory)).rejects.toMatchObject({ code: "CATALOG_SIGNATURE_INVALID" });
    asked.mockRestore();
  });

  it("that has no Ed25519 is replaced by the library", async () => {
    const none = vi.spyOn(globalThis.crypto.subtle, "importKey").mockRejectedValue(new Error("no"));
    const options = { root: signedRoot(), clock: () => NOW_MS };
    const good = TrustedCatalog.open({ ...options, envelope: signedCatalog(catalogText()) });
    expect((await good).version).toBeGreaterThan(0);
    const bad = TrustedCatalog.open({
      ...options,
      envelope: signedCatalog(catalogText(), [mallory]),
    });
    await expect(bad).rejects.toMatchObject({ code: "CATALOG_SIGNATURE_INVALID" });
    expect(none).toHaveBeenCalled();
    none.mockRestore();
  });
});
