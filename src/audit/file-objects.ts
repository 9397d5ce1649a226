// `audit/objects`: what records name by digest, each file once.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { objectsFolder } from "./file-names.ts";

const MODE_PRIVATE_FILE = 0o600;
const MODE_PRIVATE_FOLDER = 0o700;
const OBJECT_NAME = /^[0-9a-f]{64}\.[a-z0-9.]{1,40}$/;

/**
 * Keeps objects that are not there yet, each whole or not at all.
 *
 * @throws {Error} of the system
 */
export function writeObjects(folder: string, objects: ReadonlyMap<string, Uint8Array>): void {
  const path = objectsFolder(folder);
  mkdirSync(path, { recursive: true, mode: MODE_PRIVATE_FOLDER });
  for (const [name, bytes] of objects) {
    const file = join(path, name);
    if (existsSync(file)) continue;
    const temporary = `${file}.${process.pid}.tmp`;
    writeFileSync(temporary, bytes, { mode: MODE_PRIVATE_FILE, flush: true });
    renameSync(temporary, file);
  }
}

/** The objects of a folder, read when they are asked for. */
export class FileObjects {
  readonly #path: string;

  constructor(folder: string) {
    this.#path = objectsFolder(folder);
  }

  /** The bytes of an object; `undefined` when there is none, or it cannot be read. */
  get(name: string): Uint8Array | undefined {
    if (!OBJECT_NAME.test(name)) return undefined;
    try {
      return readFileSync(join(this.#path, name));
    } catch {
      return undefined;
    }
  }

  keys(): readonly string[] {
    try {
      return readdirSync(this.#path).filter((name) => OBJECT_NAME.test(name));
    } catch {
      return [];
    }
  }
}
