// Runs the scripts of a store on a Redis connection, and tells what its errors mean.
import { toHex, utf8 } from "../bytes.ts";
import { randomUuid } from "../clock.ts";
import { GuardError } from "../errors.ts";
import { OPEN, REDIS_STORE_VERSION, RESTARTED, type RedisScript } from "./redis-scripts.ts";
import type { RemoteCalls } from "./remote-calls.ts";

interface ScriptArguments {
  keys: string[];
  arguments: string[];
}

/** What a store needs of a client of node-redis: `createClient`, `createClientPool`, `createCluster`. */
export interface RedisConnection {
  eval(script: string, options: ScriptArguments): Promise<unknown>;
  evalSha(sha1: string, options: ScriptArguments): Promise<unknown>;
}

export interface RedisCallerOptions {
  readonly connection: RedisConnection;
  readonly calls: RemoteCalls;
  readonly prefix: string;
}

/** How long a nonce lives where none was ever used, in ms: what is refused behind a restart. */
const NONCE_SPAN_MS = 3_600_000;

/** What our scripts say, and what it means. */
const CORRUPT: ReadonlyMap<string, string> = new Map([
  ["other", "one that was emptied or replaced since it was opened; start the guards again"],
  ["version", `one of another version than ${REDIS_STORE_VERSION}; use another prefix`],
  ["damaged", "keys that no store writes; restore them from a backup, or use another prefix"],
]);
const UNAVAILABLE: ReadonlyMap<string, string> = new Map([
  ["evicts", "a server that drops keys when memory is short; set maxmemory-policy noeviction"],
  ["norun", "a server that does not say its run_id; let the user run INFO"],
]);

/** One open store. */
export class RedisCaller {
  readonly #connection: RedisConnection;
  readonly #calls: RemoteCalls;
  readonly #prefix: string;
  readonly #digests = new Map<RedisScript, string>();
  #storeId = "";

  private constructor({ connection, calls, prefix }: RedisCallerOptions) {
    this.#connection = connection;
    // WHY: one hash tag, so that a cluster keeps all of a store in one slot, where a script is one step
    this.#prefix = `{${prefix}}:`;
    this.#calls = calls;
  }

  /** @throws {GuardError} STORE_UNAVAILABLE, STORE_CORRUPT */
  static async open(options: RedisCallerOptions): Promise<RedisCaller> {
    const caller = new RedisCaller(options);
    const id = await caller.#calls.run(
      () => caller.#execute(OPEN, [randomUuid()]),
      (error) => caller.#faultOf(error),
    );
    if (typeof id !== "string") throw corruptReply();
    caller.#storeId = id;
    return caller;
  }

  /**
   * Runs a script; the id of the store goes before `args`.
   *
   * @throws {GuardError} STORE_UNAVAILABLE, STORE_CORRUPT
   */
  run(script: RedisScript, ...args: readonly string[]): Promise<unknown> {
    return this.#calls.run(
      () => this.#afterRestart(script, [this.#storeId, ...args]),
      (error) => this.#faultOf(error),
    );
  }

  /** As `run`, for a script that says 0 or 1. */
  async isDone(script: RedisScript, ...args: readonly string[]): Promise<boolean> {
    const reply = await this.run(script, ...args);
    if (reply === 1 || reply === 0) return reply === 1;
    throw corruptReply();
  }

  close(): void {
    this.#calls.close();
  }

  async #afterRestart(script: RedisScript, args: readonly string[]): Promise<unknown> {
    try {
      return await this.#execute(script, args);
    } catch (error) {
      if (ownWord(error) !== "restarted") throw error;
      await this.#execute(RESTARTED, [this.#storeId, String(NONCE_SPAN_MS)]);
      return await this.#execute(script, args);
    }
  }

  async #execute(script: RedisScript, args: readonly string[]): Promise<unknown> {
    const keys = script.keys.map((name) => `${this.#prefix}${name}`);
    const options = { keys, arguments: [...args] };
    try {
      return await this.#connection.evalSha(await this.#digestOf(script), options);
    } catch (error) {
      // nothing was run: the server does not know the script yet, or no longer
      if (!textOf(error).startsWith("NOSCRIPT")) throw error;
      return await this.#connection.eval(script.text, options);
    }
  }

  /** The name that Redis gives a script: its SHA-1, which protects nothing. */
  async #digestOf(script: RedisScript): Promise<string> {
    const known = this.#digests.get(script);
    if (known !== undefined) return known;
    const digest = await globalThis.crypto.subtle.digest("SHA-1", utf8(script.text));
    const name = toHex(new Uint8Array(digest));
    this.#digests.set(script, name);
    return name;
  }

  #faultOf(error: unknown): GuardError {
    const word = ownWord(error) ?? "";
    const corrupt = textOf(error).startsWith("WRONGTYPE")
      ? CORRUPT.get("damaged")
      : CORRUPT.get(word);
    if (corrupt !== undefined) return storeFault("STORE_CORRUPT", corrupt, error);
    const unavailable = UNAVAILABLE.get(word);
    if (unavailable !== undefined) return storeFault("STORE_UNAVAILABLE", unavailable, error);
    return this.#calls.unavailable(error);
  }
}

/** The fault of a reply, or of a row, that no store gives. */
export function corruptReply(cause?: unknown): GuardError {
  return storeFault("STORE_CORRUPT", CORRUPT.get("damaged") ?? "", cause);
}

function storeFault(
  code: "STORE_CORRUPT" | "STORE_UNAVAILABLE",
  got: string,
  cause: unknown,
): GuardError {
  return new GuardError(code, `expected an intact Redis store, got ${got}`, { cause });
}

/** What one of our scripts said in place of an answer. */
function ownWord(error: unknown): string | undefined {
  return /^(?:ERR )?PCSTORE (\w+)/.exec(textOf(error))?.[1];
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : "";
}
