// A kernel instance with a catalog's image in it.
import * as layout from "../abi/layout.ts";
import { GuardError } from "../errors.ts";
import { INPUT_SIZE_FIRST, Kernel } from "./kernel.ts";

const IMAGE_ERRORS: ReadonlyMap<number, string> = new Map([
  [layout.IMAGE_TOO_SMALL, "expected a whole image, got fewer bytes than its header"],
  [layout.IMAGE_BAD_MAGIC, "expected a portcullis image, got something else"],
  [layout.IMAGE_BAD_ABI, "expected an image of this kernel's ABI version; compile it again"],
  [layout.IMAGE_BAD_LAYOUT, "expected sections in order and within the image"],
  [layout.IMAGE_BAD_SERVER, "expected sound server records"],
  [layout.IMAGE_BAD_ITEM, "expected sound item records"],
  [layout.IMAGE_BAD_INDEX, "expected an index that holds every record within the probe bound"],
  [layout.IMAGE_BAD_PRINCIPAL, "expected sound principal rows"],
  [layout.IMAGE_BAD_RULE, "expected sound rules"],
  [layout.IMAGE_BAD_DIGEST, "expected the image's own SHA-256, got a changed image"],
]);

/**
 * Loads `image` into a fresh kernel instance, which validates all of it.
 *
 * @param inputSizeMax bytes of the largest message it will read
 * @throws {GuardError} IMAGE_INVALID when the kernel refuses it; KERNEL_CAPACITY
 */
export function loadImage(image: Uint8Array, inputSizeMax: number): Kernel {
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  const count = (offset: number): number =>
    image.length < layout.HEADER_SIZE ? 0 : view.getUint32(offset, true);
  const itemCount = count(layout.HEADER_OFFSET_ITEM_COUNT);
  const serverCount = count(layout.HEADER_OFFSET_SERVER_COUNT);
  // WHY: the state tables are sized by these before the kernel has validated anything
  if (itemCount * layout.ITEM_SIZE + serverCount * layout.SERVER_SIZE > image.length) {
    throw new GuardError("IMAGE_INVALID", "expected an image as large as its counts say");
  }
  const inputSize = Math.min(INPUT_SIZE_FIRST, inputSizeMax);
  const kernel = new Kernel({
    imageSize: image.length,
    itemCount,
    serverCount,
    inputSize,
    // messages are read, and definitions compared by their digests
    recordSize: 0,
    inputSizeMax,
  });
  kernel.bytes.set(image, kernel.imageAt);
  const loaded = kernel.exports.loadImage(image.length);
  if (loaded === layout.IMAGE_OK) return kernel;
  const message = IMAGE_ERRORS.get(loaded) ?? "expected a sound image";
  throw new GuardError("IMAGE_INVALID", message);
}
