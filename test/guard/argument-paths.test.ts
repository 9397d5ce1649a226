// C4: folders that a path has to be below.
import { describe, expect, it } from "vitest";
import { ask } from "./arguments-fixture.ts";

describe("C4: a path that is not plainly below the folder is refused", () => {
  const under = { under: ["/workspace"] };

  it.each([
    "/workspace",
    "/workspace/a",
    "/workspace/a b/ü.txt",
    "/workspace/...",
    "/workspace/..a",
    "/workspace/.git",
    "/workspace/%20",
    "/workspace/~",
  ])("%j passes", (path) => {
    expect(ask(under, path)).toBe("ok");
  });

  it.each([
    "/workspaces",
    "/workspace-evil/a",
    "/Workspace/a",
    "/workspace/",
    "/workspace//a",
    "//workspace/a",
    "/workspace/./a",
    "/workspace/../etc",
    "/workspace/a/..",
    "/workspace/a/.",
    "/workspace\\..\\etc",
    "/workspace/a\\b",
    "/workspace/%2e%2e/etc",
    "/workspace/%2E./etc",
    "/workspace/a%2fb",
    "/workspace/a%2Fb",
    "/workspace/a%5cb",
    "/workspace/%252e",
    "/workspace/a%00",
    "/workspace/a\u0000",
    "/workspace/a\n",
    "/workspace/a\u0085",
    "/workspace/a\u007f",
    "~/workspace/a",
    "~root",
    "workspace/a",
    "./workspace/a",
    "file:///workspace/a",
    " /workspace/a",
    "C:/workspace/a",
    "/",
    "",
  ])("%j is refused", (path) => {
    expect(ask(under, path)).toBe("under");
  });

  it("the root holds every plain path, and itself", () => {
    expect(ask({ under: ["/"] }, "/")).toBe("ok");
    expect(ask({ under: ["/"] }, "/etc/passwd")).toBe("ok");
    expect(ask({ under: ["/"] }, "/etc/")).toBe("under");
    expect(ask({ under: ["/"] }, "//")).toBe("under");
  });

  it.each([
    ["C:\\Work", "c:/work/A.txt", "ok"],
    ["C:\\Work", "C:\\WORK\\a", "ok"],
    ["C:\\Work", "C:\\Work", "ok"],
    ["C:/Work", "C:\\Work\\sub/x", "ok"],
    ["C:\\", "c:\\", "ok"],
    ["C:\\", "c:\\Windows", "ok"],
    ["C:\\Work", "C:\\", "under"],
    ["C:\\Work", "C:\\Workshop", "under"],
    ["C:\\Work", "C:\\Work\\..\\x", "under"],
    ["C:\\Work", "C:\\Work\\\\x", "under"],
    ["C:\\Work", "D:\\Work\\x", "under"],
    ["C:\\Work", "C:Work\\x", "under"],
    ["C:\\Work", "\\\\?\\C:\\Work\\x", "under"],
    ["C:\\Work", "/Work/x", "under"],
    ["C:\\Work", "C:\\Work\\a.txt:stream", "under"],
    ["C:\\Work", "C:\\Work\\.. \\x", "under"],
    ["C:\\Work", "C:\\Work\\x.", "under"],
    ["C:\\Work", "C:\\Work\\x \\y", "under"],
    ["/work", "C:\\work\\x", "under"],
  ])("below %s, %s: %s", (folder, path, wanted) => {
    expect(ask({ under: [folder] }, path)).toBe(wanted);
  });

  it("any of several folders is enough", () => {
    const two = { under: ["/a", "/b"] };
    expect(["/a/x", "/b/x", "/c/x"].map((path) => ask(two, path))).toEqual(["ok", "ok", "under"]);
  });
});
