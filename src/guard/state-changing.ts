// Whether a tool that no catalog describes changes state.

const READING: ReadonlySet<string> = new Set(
  "get list read search find show describe view lookup query count check status info".split(" "),
);

/** True unless the first word of the tool's name is a verb of reading. */
export function isStateChangingTool(tool: { readonly name: string }): boolean {
  const words = tool.name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  return !READING.has(words[0] ?? "");
}
