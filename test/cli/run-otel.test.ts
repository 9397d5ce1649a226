// `portcullis run` in a process that has registered OpenTelemetry, as operators do with `--import`.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { connectClient } from "./run-client.ts";
import { RunHome } from "./run-rig.ts";

const require = createRequire(import.meta.url);
const moduleOf = (name: string): string => JSON.stringify(pathToFileURL(require.resolve(name)));

/** A module that registers the real SDK, with an exporter that appends to `file`. */
function registration(file: string): string {
  return `import { appendFileSync } from "node:fs";
import { trace } from ${moduleOf("@opentelemetry/api")};
import sdk from ${moduleOf("@opentelemetry/sdk-trace-base")};
const exporter = {
  export(spans, done) {
    for (const { name, attributes } of spans) {
      appendFileSync(${JSON.stringify(file)}, JSON.stringify({ name, attributes }) + "\\n");
    }
    done({ code: 0 });
  },
  shutdown: async () => undefined,
};
const spanProcessors = [new sdk.SimpleSpanProcessor(exporter)];
trace.setGlobalTracerProvider(new sdk.BasicTracerProvider({ spanProcessors }));
`;
}

describe("run with OpenTelemetry", () => {
  it("gives a span for an allowed call and one for a refusal, beside the log", async () => {
    const home = await RunHome.make({ mock: {} });
    const spansFile = join(home.folder, "spans.jsonl");
    const module = join(home.folder, "otel.mjs");
    writeFileSync(spansFile, "");
    writeFileSync(module, registration(spansFile));
    const client = await connectClient("SDK 1.32", [
      ...["--import", pathToFileURL(module).href],
      ...home.argv("mock"),
    ]);
    expect(await client.call("read_text_file")).toBe("allowed");
    expect(await client.call("smuggled")).toBe("tool_smuggle");
    await client.close();
    const lines = readFileSync(spansFile, "utf8").split("\n").slice(0, -1);
    const spans: { name: string; attributes: Record<string, string> }[] = lines.map((line) =>
      JSON.parse(line),
    );
    const calls = spans.filter(({ attributes }) => attributes["portcullis.kind"] === "call");
    expect(calls.map(({ name }) => name)).toEqual([
      "tools/call read_text_file",
      "tools/call smuggled",
    ]);
    expect(calls.map(({ attributes }) => attributes["error.type"])).toEqual([
      undefined,
      "tool_smuggle",
    ]);
    expect(home.log("mock").calls).toHaveLength(1);
  });
});
