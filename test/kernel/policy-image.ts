// A catalog of the oracle, from its TOML through parse and compile into a kernel.
import { HEADER_OFFSET_IMAGE_SHA256 } from "../../src/abi/layout.ts";
import { utf8 } from "../../src/bytes.ts";
import { compileImage } from "../../src/catalog/compile.ts";
import { parseCatalog } from "../../src/catalog/parse.ts";
import type { Catalog } from "../../src/catalog/types.ts";
import { PrincipalRows } from "../../src/guard/principal-rows.ts";
import { sha256 } from "../../src/kernel/digest.ts";
import { loadImage } from "../../src/kernel/image-kernel.ts";
import type { Kernel } from "../../src/kernel/kernel.ts";
import { type PolicyCatalog, policyCatalogText } from "../oracle/decide-catalog.ts";
import type { FrameContext } from "../oracle/fine-frame.ts";

export interface PolicyImage extends FrameContext {
  readonly kernel: Kernel;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly parsed: Catalog;
}

export function policyImage(catalog: PolicyCatalog): PolicyImage {
  const text = utf8(policyCatalogText(catalog));
  const parsed = parseCatalog(text);
  const bytes = compileImage(parsed, { catalogSha256: sha256(text) });
  const kernel = loadImage(bytes, 64);
  const digest = bytes.slice(HEADER_OFFSET_IMAGE_SHA256, HEADER_OFFSET_IMAGE_SHA256 + 32);
  const rows = new PrincipalRows(parsed);
  const image = Buffer.from(digest).toString("hex");
  return { kernel, bytes, parsed, catalog, image, rowOf: (principal) => rows.rowOf(principal) };
}
