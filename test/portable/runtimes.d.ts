// What the typed tests use of `runtimes.js`, which is plain JavaScript because it runs before a build.

/** The path of a runtime that is there, else `undefined`. */
export function pathOf(name: string): string | undefined;
/** Why a host cannot run that needs all of `names`; `undefined` when it can. */
export function lackOf(names: readonly string[]): string | undefined;
