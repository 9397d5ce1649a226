// The predicate `under`: an absolute path at or below a folder. It refuses rather than normalises
// (40-gateway section 4): what the server would make of `..` or `%2f` is not known here.
import { foldAscii } from "../catalog/names.ts";

const CONTROL = /\p{Cc}/u;
const ESCAPED = /%(?:2e|2f|5c|25|00)/i;
const DRIVE = /^[A-Za-z]:[\\/]/;

/**
 * True when `path` is absolute, holds nothing that a reader could take for another path, and starts
 * with all components of `folder`.
 *
 * A folder on a Windows drive compares with `\` as `/` and without regard to ASCII case; then no
 * component may hold `:` or end in a dot or a space, which Windows drops.
 *
 * @param folder as `readArguments` leaves it: without a trailing slash, but for a root
 */
export function isPathUnder(path: string, folder: string): boolean {
  if (CONTROL.test(path) || ESCAPED.test(path)) return false;
  return DRIVE.test(folder) ? isUnderDrive(path, folder) : isUnderRoot(path, folder);
}

function isUnderRoot(path: string, folder: string): boolean {
  if (!path.startsWith("/") || path.includes("\\")) return false;
  return path === "/" ? folder === "/" : isBelow(path, folder, "/");
}

function isUnderDrive(path: string, folder: string): boolean {
  if (!DRIVE.test(path)) return false;
  const folded = foldDrive(path);
  const wanted = foldDrive(folder);
  const root = wanted.slice(0, 3);
  if (folded === root) return wanted === root;
  return !/[. ](?:\/|$)|:/.test(folded.slice(3)) && isBelow(folded, wanted, root);
}

/** `\` as `/`, ASCII letters lower-case. */
function foldDrive(path: string): string {
  return foldAscii(path.replaceAll("\\", "/"));
}

/** Whole components, none of them empty, `.` or `..`. */
function isBelow(path: string, folder: string, root: string): boolean {
  const parts = path.slice(root.length).split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..")) return false;
  return folder === root ? path.startsWith(root) : path === folder || path.startsWith(`${folder}/`);
}
