// The log a mock server process leaves: one JSON text a line, appended, so that processes share it.
import { isJsonObject, objectOr, parseJson } from "./mock-json.ts";
import type { MockCall } from "./mock-state.ts";

/** One line of the log. */
export type MockLogEntry =
  | { readonly event: "start"; readonly pid: number }
  | {
      readonly event: "line";
      readonly pid: number;
      /** The message as it came in. */
      readonly line: string;
      /** The tools/call it held, none or one (a batch: several). */
      readonly calls: readonly MockCall[];
    }
  | { readonly event: "eof" | "sigterm"; readonly pid: number };

/** What all processes that shared one log file have seen. */
export interface MockLog {
  /** Processes started; 0 means that the file proves nothing. */
  readonly starts: number;
  readonly received: readonly string[];
  readonly calls: readonly MockCall[];
  readonly callsReceived: number;
  readonly listsReceived: number;
  /** `eof` and `sigterm`, in order. */
  readonly endings: readonly string[];
}

/** Reads the text of a log file; a last line that is still being written is left out. */
export function readMockLog(text: string): MockLog {
  const entries = text.split("\n").map(parseJson).filter(isJsonObject);
  const lines = entries.filter((entry) => entry["event"] === "line");
  const received = lines.map((entry) => String(entry["line"]));
  const calls = lines.flatMap((entry) => {
    const held = entry["calls"];
    return Array.isArray(held) ? held.filter(isJsonObject) : [];
  });
  const isList = (line: string) => objectOr(parseJson(line))["method"] === "tools/list";
  return {
    starts: entries.filter((entry) => entry["event"] === "start").length,
    received,
    calls: calls.map((call) => ({ name: String(call["name"]), arguments: call["arguments"] })),
    callsReceived: calls.length,
    listsReceived: received.filter(isList).length,
    endings: entries
      .map((entry) => String(entry["event"]))
      .filter((event) => event === "eof" || event === "sigterm"),
  };
}
