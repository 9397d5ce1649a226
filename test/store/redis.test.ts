// The store in Redis, in a real redis-server.
import { openRedisStore } from "../../src/store/redis.ts";
import { describeStateStore } from "./conformance.ts";
import { describeWithRedis, type RedisServer, startRedis } from "./redis-server.ts";

describeWithRedis("redis", () => {
  let server: Promise<RedisServer> | undefined;
  let count = 0;
  describeStateStore({
    name: "redis",
    isShared: true,
    create: async () => {
      server ??= startRedis();
      const { url } = await server;
      count += 1;
      const options = { url, prefix: `test-${count}`, timeoutMs: 20_000 };
      return {
        store: await openRedisStore(options),
        reopen: () => openRedisStore(options),
        childSource: `const { openRedisStore } = await import("portcullis/store/redis");
const store = await openRedisStore(${JSON.stringify(options)});`,
      };
    },
  });
});
