// Third-party test data beside the repository; absent on other machines, never part of it.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../shared/data/", import.meta.url));

/** Path of a file or folder of the shared data. */
export function sharedPath(path: string): string {
  return ROOT + path;
}

/** True when it is there; tests that need it are skipped, visibly, where it is not. */
export function hasShared(path: string): boolean {
  return existsSync(sharedPath(path));
}

/** Its bytes. */
export function readShared(path: string): Buffer {
  return readFileSync(sharedPath(path));
}
