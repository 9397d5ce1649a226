// The image: deterministic, validated whole, bounded lookups.
import { describe, expect, it } from "vitest";
import * as layout from "../../src/abi/layout.ts";
import { LIMIT_PROBE } from "../../src/abi/limits.ts";
import { utf8 } from "../../src/bytes.ts";
import { compileImage } from "../../src/catalog/compile.ts";
import { parseCatalog } from "../../src/catalog/parse.ts";
import { GuardError } from "../../src/errors.ts";
import { sha256 } from "../../src/kernel/digest.ts";
import { loadImage } from "../../src/kernel/image-kernel.ts";
import { oracleCatalogText } from "../fixtures/oracle-catalog.ts";
import { generateGuardCase } from "../oracle/generate-guard.ts";

function imageOf(text: string): Uint8Array<ArrayBuffer> {
  const bytes = utf8(text);
  return compileImage(parseCatalog(bytes), { catalogSha256: sha256(bytes) });
}

/** A catalog of `count` tools on one server. */
function manyTools(count: number): string {
  const items = Array.from({ length: count }, (_, index) => ({
    kind: "tool" as const,
    name: `tool_${index}`,
    fingerprints: [`sha256:${index.toString(16).padStart(64, "0")}`],
    scope: ["fs.read"],
  }));
  const server = { id: "big", operatorVerified: true, onDrift: "block-tool" as const, items };
  return oracleCatalogText({ expiresMs: 1_800_000_000_000, operatorScopes: [], servers: [server] });
}

function refusal(image: Uint8Array): string | undefined {
  try {
    loadImage(image, 64);
    return undefined;
  } catch (error) {
    if (!(error instanceof GuardError)) throw error;
    return error.code;
  }
}

const SAMPLE = imageOf(oracleCatalogText(generateGuardCase(7).catalog));

describe("image", () => {
  it("is the same bytes for the same catalog, and carries its digest and expiry", () => {
    const text = oracleCatalogText(generateGuardCase(3).catalog);
    const image = imageOf(text);
    expect(Buffer.compare(image, imageOf(text))).toBe(0);
    const view = new DataView(image.buffer);
    expect(view.getBigUint64(layout.HEADER_OFFSET_EXPIRES_MS, true)).toBe(1_800_000_000_000n);
    const at = layout.HEADER_OFFSET_CATALOG_SHA256;
    expect(Buffer.compare(image.subarray(at, at + 32), sha256(utf8(text)))).toBe(0);
    expect(refusal(image)).toBeUndefined();
  });

  it("is refused after any single bit was flipped", () => {
    // every bit of the header, every 17th behind it: over time every one of each kind of field
    for (let bit = 0; bit < SAMPLE.length * 8; bit += bit < layout.HEADER_SIZE * 8 ? 1 : 17) {
      const changed = SAMPLE.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      if (refusal(changed) !== "IMAGE_INVALID") expect.fail(`bit ${bit} went unnoticed`);
    }
  });

  it("is refused when it is cut or lengthened by any number of bytes", () => {
    for (let size = 0; size < SAMPLE.length; size += size < 2048 ? 1 : 61) {
      expect(refusal(SAMPLE.subarray(0, size)), `cut to ${size}`).toBe("IMAGE_INVALID");
    }
    const longer = new Uint8Array(SAMPLE.length + 8);
    longer.set(SAMPLE);
    expect(refusal(longer)).toBe("IMAGE_INVALID");
  });

  it("a forged image with a valid digest is refused for what is in it", () => {
    const forge = (at: number, value: number): Uint8Array => {
      const image = SAMPLE.slice();
      new DataView(image.buffer).setUint32(at, value, true);
      image.fill(0, layout.HEADER_OFFSET_IMAGE_SHA256, layout.HEADER_OFFSET_IMAGE_SHA256 + 32);
      image.set(sha256(image), layout.HEADER_OFFSET_IMAGE_SHA256);
      return image;
    };
    const view = new DataView(SAMPLE.buffer);
    const items = view.getUint32(layout.HEADER_OFFSET_ITEMS_AT, true);
    const details = view.getUint32(layout.HEADER_OFFSET_DETAILS_AT, true);
    const servers = view.getUint32(layout.HEADER_OFFSET_SERVERS_AT, true);
    const index = view.getUint32(layout.HEADER_OFFSET_INDEX_AT, true);
    const fields = [
      layout.HEADER_OFFSET_SERVER_COUNT,
      layout.HEADER_OFFSET_ITEM_COUNT,
      layout.HEADER_OFFSET_PROBE_MAX,
      layout.HEADER_OFFSET_NAMES_SIZE,
      items + layout.ITEM_OFFSET_NAME_AT,
      items + layout.ITEM_OFFSET_NAME_SIZE,
      items + layout.ITEM_OFFSET_SERVER,
      items + layout.ITEM_OFFSET_FLAGS,
      details + layout.DETAIL_OFFSET_DIGEST_FIRST,
      details + layout.DETAIL_OFFSET_DIGEST_COUNT,
      servers + layout.SERVER_OFFSET_NAME_SIZE,
      servers + layout.SERVER_OFFSET_ITEM_FIRST,
      servers + layout.SERVER_OFFSET_TEMPLATE_FIRST,
      index + view.getUint32(layout.HEADER_OFFSET_SLOT_COUNT, true),
    ];
    for (const at of fields) {
      for (const value of [0xffff_ffff, 0x7fff_ffff, 12_345_678]) {
        expect(refusal(forge(at, value)), `${value} at ${at}`).toBe("IMAGE_INVALID");
      }
    }
    // control: the same forging with the value that is there anyway is accepted
    expect(refusal(forge(items, view.getUint32(items, true)))).toBeUndefined();
  });

  it("keeps every lookup within the probe bound, from none to 50 000 tools", () => {
    for (const count of [0, 1, 7, 200, 5_000, 50_000]) {
      const image = imageOf(manyTools(count));
      const probe = new DataView(image.buffer).getUint32(layout.HEADER_OFFSET_PROBE_MAX, true);
      expect(probe, `${count} tools`).toBeGreaterThanOrEqual(1);
      expect(probe, `${count} tools`).toBeLessThanOrEqual(LIMIT_PROBE);
      expect(refusal(image), `${count} tools`).toBeUndefined();
      // 90-performance P11: at most 192 bytes a tool beside its names and digests
      const names = new DataView(image.buffer).getUint32(layout.HEADER_OFFSET_NAMES_SIZE, true);
      const own = image.length - names - count * 32;
      if (count >= 200) expect(own / count, `${count} tools`).toBeLessThanOrEqual(192);
    }
  });

  it("an empty catalog is valid and has nothing in it", () => {
    const kernel = loadImage(imageOf(manyTools(0).replace(/\[servers\.[\s\S]*/, "")), 64);
    kernel.writeNames(utf8("big"), utf8("any"));
    expect(kernel.exports.bindServer(3)).toBe(-1);
    kernel.exports.setTime(1, 0);
    expect(kernel.exports.check(3, layout.KIND_TOOL, 3)).toBe(2);
  });
});
