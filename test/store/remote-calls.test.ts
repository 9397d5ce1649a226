// A store behind a connection that is slow: bounded waits, and nobody who waits for it in vain.
import { describe, expect, it } from "vitest";
import { RemoteCalls, STORE_PAUSE_MS } from "../../src/store/remote-calls.ts";
import { expectCode, expectRejection } from "../fixtures/trust.ts";

const never = (): Promise<never> => new Promise(() => undefined);

describe("questions to a remote store", () => {
  it("one without an answer in time is refused, and for a while nobody else waits for it", async () => {
    let nowMs = 0;
    let asked = 0;
    const calls = new RemoteCalls({ what: "test", timeoutMs: 20, monotonic: () => nowMs });
    const ask = (): Promise<number> => {
      asked += 1;
      return Promise.resolve(7);
    };
    const late = await expectRejection(calls.run(never), "STORE_UNAVAILABLE");
    expect(late.message).toBe("expected a usable test store, got no answer within 20 ms");
    nowMs += STORE_PAUSE_MS - 1;
    const early = await expectRejection(calls.run(ask), "STORE_UNAVAILABLE");
    expect(early.message).toContain("a moment ago");
    expect(asked).toBe(0);
    nowMs += 1;
    expect(await calls.run(ask)).toBe(7);
    expect(asked).toBe(1);
  });

  it("a failure is a fault with a code, and what was closed asks nothing", async () => {
    const calls = new RemoteCalls({ what: "test" });
    const broken = calls.run(() => Promise.reject(new Error("ECONNRESET")));
    expect((await expectRejection(broken, "STORE_UNAVAILABLE")).message).not.toContain("ECONN");
    calls.close();
    await expectRejection(calls.run(never), "STORE_UNAVAILABLE");
    expectCode(() => new RemoteCalls({ what: "test", timeoutMs: 0 }), "ARGUMENT_INVALID");
  });
});
