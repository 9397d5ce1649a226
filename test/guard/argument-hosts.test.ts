// C12: hosts and schemes that a url has to have.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ask } from "./arguments-fixture.ts";

describe("C12: a url that two parsers read differently is refused", () => {
  const host = { host: ["example.com", "*.example.org"], scheme: ["https"] };

  it.each([
    "https://example.com",
    "https://example.com/",
    "https://EXAMPLE.com/a?b#c",
    "HTTPS://example.com:443/",
    "https://example.com:99999",
    "https://example.com?x",
    "https://example.com#@evil.com",
    "https://a.example.org/",
    "https://a.b.example.org/",
    "https://example.com/@evil.com",
  ])("%j passes", (url) => {
    expect(ask(host, url)).toBe("ok");
  });

  it.each([
    "http://example.com/",
    "https://example.org/",
    "https://notexample.org/",
    "https://.example.org/",
    "https://example.com.evil.com/",
    "https://example.com@evil.com/",
    "https://user:pass@example.com/",
    "https://evil.com\\@example.com/",
    "https://example.com\\.evil.com/",
    "https://example.com/a\\b",
    "https://example.com./",
    "https://example..com/",
    "https://example.com:/",
    "https://example.com:443000/",
    "https://example.com:80a/",
    "https://exam_ple.com/",
    "https://ex\u0430mple.com/",
    "https://example\u3002com/",
    "https://ex%61mple.com/",
    "https:/example.com/",
    "https:example.com/",
    "//example.com/",
    "https:///example.com/",
    " https://example.com/",
    "https://example.com/ ",
    "https://example.com/a\tb",
    "https://example.com/\u00a0",
    "https://example.com/\u2028",
    "https://exa\nmple.com/",
    "https://[::1]/",
    "javascript://example.com/",
    "https://",
    "",
  ])("%j is refused", (url) => {
    expect(ask(host, url)).toBe("host");
  });

  it.each([
    "https://127.0.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://a.0X7f/",
  ])("%s, an address in numbers, matches no pattern", (url) => {
    expect(ask({ host: ["127.0.0.1", "2130706433", "0x7f000001", "*.0x7f"] }, url)).toBe("host");
  });

  it("https is the default, http only where it is named", () => {
    expect(ask({ host: ["a.com"] }, "http://a.com")).toBe("host");
    expect(ask({ host: ["a.com"] }, "https://a.com")).toBe("ok");
    expect(ask({ host: ["a.com"], scheme: ["http"] }, "https://a.com")).toBe("host");
  });

  it("agrees with the expression that defines it", () => {
    const expression = /^(https?):\/\/([a-z0-9-]+(\.[a-z0-9-]+)*)(:[0-9]{1,5})?(?=[/?#]|$)/;
    const piece = fc.constantFrom(
      "https",
      "://",
      "a",
      "B",
      ".",
      "-",
      ":",
      "8",
      "0x",
      "/",
      "?",
      "@",
      "\\",
      " ",
    );
    const url = fc.array(piece, { maxLength: 8 }).map((pieces) => `http${pieces.join("")}`);
    fc.assert(
      fc.property(
        fc.oneof(
          url,
          url.map((rest) => rest.replace("http", "https://")),
        ),
        (text) => {
          const match = expression.exec(text.toLowerCase());
          const found = match?.[2] ?? "";
          const last = found.slice(found.lastIndexOf(".") + 1);
          const isRead =
            match !== null && !/[\\\s\p{Cc}]/u.test(text) && !/^(\d+|0x.*)$/.test(last);
          const constraint = { host: [found], scheme: [match?.[1] ?? ""] };
          expect(ask(constraint, text)).toBe(isRead ? "ok" : "host");
        },
      ),
      { numRuns: 2000 },
    );
  });
});
