import type { ReportCommand } from "./command.ts";
export const diffCommand: ReportCommand = { spec: { name: "diff", summary: "", usage: "", options: {}, examples: [] }, run: async () => ({ exitCode: 0, json: {}, text: "" }) };
