// The repository's own source files, for tests about the code itself.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

export interface SourceFile {
  /** Path from the repository's root, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** Every `.ts` file below `folder`. */
export function sourceFiles(folder: string): SourceFile[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({
      path: relative(".", path).replaceAll("\\", "/"),
      text: readFileSync(path, "utf8"),
    }));
}

/** Module specifiers that `text` imports, re-exports or imports dynamically. */
export function importsOf(text: string): string[] {
  const pattern = /(?:from|import)\s*\(?\s*"([^"]+)"/g;
  return [...text.matchAll(pattern)].map((match) => match[1] ?? "");
}

/** Lines that are neither blank nor a comment. */
export function codeLineCount(text: string): number {
  return text.split("\n").filter((line) => !/^\s*(\/\/|\/\*|\*|$)/.test(line)).length;
}
