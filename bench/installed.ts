// Competitors, from bench/compare, where they are installed apart from the project.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(new URL("../../bench/compare/package.json", import.meta.url));

/** An installed package; `undefined` when it is not there. */
export async function loadInstalled(name: string): Promise<object | undefined> {
  try {
    const loaded: unknown = await load(name);
    return typeof loaded === "object" && loaded !== null ? loaded : undefined;
  } catch (error) {
    if (codeOf(error) === "MODULE_NOT_FOUND") return undefined;
    throw error;
  }
}

async function load(name: string): Promise<unknown> {
  try {
    return require(name);
  } catch (error) {
    if (codeOf(error) !== "ERR_REQUIRE_ESM") throw error;
    const loaded: unknown = await import(pathToFileURL(require.resolve(name)).href);
    return loaded;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

/**
 * A function that a package exports, as what its documentation says it is.
 *
 * WHY: the packages are not there where this is compiled, so their types are not either.
 */
export function exported<F>(module: object, name: string): F {
  const found: unknown = Reflect.get(module, name);
  if (typeof found !== "function") throw new Error(`expected ${name} to be exported`);
  return found as F;
}
