// Line and column of a key path, for the CLI's errors.
import type { AST } from "toml-eslint-parser";
import { GuardError } from "../errors.ts";
import { type KeyPathPart, parseKeyPath } from "./key-path.ts";
import { readTomlTree, sharedLength } from "./toml-tree.ts";

/** Both 1-based; columns count UTF-16 code units. */
export interface TextPosition {
  readonly line: number;
  readonly column: number;
}

/**
 * Where the key or array element at `keyPath` (as in `GuardError.at.path`) is written, or the
 * nearest table around it that is.
 *
 * @returns `undefined` when `text` is not TOML, or nothing on the path is in it.
 */
export function positionOf(text: string, keyPath: string): TextPosition | undefined {
  const target = parseKeyPath(keyPath);
  if (target === undefined) return undefined;
  let bestLength = 0;
  let position: TextPosition | undefined;
  const offer: Offer = (length, at) => {
    if (length <= bestLength) return;
    bestLength = length;
    position = { line: at.line, column: at.column + 1 };
  };
  try {
    const { headers, members } = readTomlTree(text);
    for (const { path, node } of headers) offerKeys(path, 0, node.key, target, offer);
    for (const { path, node } of members) {
      offerKeys(path, path.length - node.key.keys.length, node.key, target, offer);
      if (sharedLength(path, target) === path.length) {
        offerElements(node.value, path.length, target, offer);
      }
    }
  } catch (error) {
    if (error instanceof GuardError) return undefined;
    throw error;
  }
  return position;
}

type Offer = (length: number, at: AST.Position) => void;

/**
 * Offers every part of a dotted key that lies on the way to the target.
 *
 * @param start - index in `path` of the first part that `key` spells. Indices of array tables are
 * in the path of a header and not spelled.
 */
function offerKeys(
  path: readonly KeyPathPart[],
  start: number,
  key: AST.TOMLKey,
  target: readonly KeyPathPart[],
  offer: Offer,
): void {
  const shared = sharedLength(path, target);
  let length = start;
  for (const part of key.keys) {
    length += 1;
    if (length > shared) return;
    while (length < shared && typeof path[length] === "number") length += 1;
    offer(length, part.loc.start);
  }
}

function offerElements(
  value: AST.TOMLContentNode,
  length: number,
  target: readonly KeyPathPart[],
  offer: Offer,
): void {
  const index = target[length];
  if (value.type !== "TOMLArray" || typeof index !== "number") return;
  const element = value.elements[index];
  if (element === undefined) return;
  offer(length + 1, element.loc.start);
  offerElements(element, length + 1, target, offer);
}
