// portcullis/store/redis: the store of a fleet of guards (80-runtimes section 5).
import { GuardError } from "../errors.ts";
import { RedisCaller, type RedisConnection } from "./redis-caller.ts";
import { redisConsents, redisLeases, redisQuestions } from "./redis-grants.ts";
import { redisHost, redisSessions } from "./redis-host.ts";
import { connectRedis } from "./redis-url.ts";
import { RemoteCalls } from "./remote-calls.ts";
import type { AsyncStateStore } from "./types.ts";

export type { RedisConnection } from "./redis-caller.ts";
export type { AsyncStateStore } from "./types.ts";

export type RedisStoreOptions = {
  /**
   * What keys begin with, in braces, so that a cluster keeps them in one slot: 1 to 64 of
   * A-Z a-z 0-9 _ . : -. Default `portcullis`.
   */
  readonly prefix?: string | undefined;
  /** How long an operation waits for its answer, in ms. Default 2 000. */
  readonly timeoutMs?: number | undefined;
} & (
  | {
      /** `redis://` or `rediss://`; needs the package `redis`. */
      readonly url: string;
      readonly connection?: undefined;
    }
  | {
      /** A client, a pool or a cluster of node-redis that is connected; `close` leaves it open. */
      readonly connection: RedisConnection;
      readonly url?: undefined;
    }
);

const PREFIX = /^[A-Za-z0-9_.:-]{1,64}$/;
const PREFIX_DEFAULT = "portcullis";

/**
 * Opens the store under a prefix, and begins one where there is none.
 *
 * When the server was started again, or a replica took over, no lease, consent or question from
 * before is good any more: it may have forgotten what was used. When it was emptied, every operation
 * is STORE_CORRUPT until the guards are started again.
 *
 * @throws {GuardError} ARGUMENT_INVALID for a prefix, a url or a timeout that is none;
 *   DEPENDENCY_MISSING when the package `redis` is not installed; STORE_UNAVAILABLE when the server
 *   cannot be reached or drops keys; STORE_CORRUPT for keys that no store writes
 * @example const store = await openRedisStore({ url: "redis://127.0.0.1:6379" })
 */
export async function openRedisStore(options: RedisStoreOptions): Promise<AsyncStateStore> {
  const { url, prefix = PREFIX_DEFAULT, timeoutMs } = options;
  if (!PREFIX.test(prefix)) {
    throw new GuardError("ARGUMENT_INVALID", "expected a prefix of 1 to 64 of A-Z a-z 0-9 _ . : -");
  }
  const calls = new RemoteCalls({ what: "Redis", timeoutMs });
  const own = url === undefined ? undefined : await connectRedis(url, timeoutMs);
  const connection = own?.connection ?? options.connection;
  if (connection === undefined) {
    throw new GuardError(
      "ARGUMENT_INVALID",
      "expected a url or a connection of Redis, got neither",
    );
  }
  try {
    const caller = await RedisCaller.open({ connection, calls, prefix });
    return {
      mode: "async",
      ...redisLeases(caller),
      ...redisConsents(caller),
      ...redisQuestions(caller),
      ...redisSessions(caller),
      ...redisHost(caller),
      close: async () => {
        caller.close();
        own?.end();
      },
    };
  } catch (fault) {
    own?.end();
    throw fault;
  }
}
