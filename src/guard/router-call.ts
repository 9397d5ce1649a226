// The ways in which hosts name a call: which server, which tool, which arguments.
import { memberReader } from "./member-reader.ts";

/** One call, copied: what is judged is what is forwarded. */
export interface RouterCall {
  readonly server: string;
  readonly tool: string;
  /** A JSON object, a copy; `undefined` = none. */
  readonly args: object | undefined;
  readonly scopes: readonly string[] | undefined;
  /** What the router is called with. */
  readonly forwarded: readonly unknown[];
}

/**
 * Reads the parameters of `callTool` or `dispatch`:
 *
 * - `({ server, tool | name, args | arguments, scopes? }, ...)`
 * - `(server, tool, args?, ...)` for a router in front of several servers
 * - `({ name, arguments }, ...)` and `(tool, args?, ...)` where `serverId` says which one it is
 *
 * @returns `undefined` for anything else: two names, another server, arguments that are no JSON
 *   object. May throw as a getter does.
 */
export function readRouterCall(
  parameters: readonly unknown[],
  serverId: string | undefined,
): RouterCall | undefined {
  const [first, ...rest] = parameters;
  if (typeof first === "string") return readPositional(first, rest, serverId);
  if (typeof first !== "object" || first === null || Array.isArray(first)) return undefined;
  // WHY: one copy; a getter may answer twice
  const copy: object = { ...first };
  const read = memberReader(copy);
  const server = onlyOne([serverId, read?.("server"), read?.("serverId")]);
  const tool = onlyOne([read?.("tool"), read?.("name")]);
  const scopes = read?.("scopes");
  if (typeof server !== "string" || typeof tool !== "string" || !isNames(scopes)) return undefined;
  const argsKey = Object.hasOwn(copy, "args") ? "args" : "arguments";
  if (argsKey === "args" && Object.hasOwn(copy, "arguments")) return undefined;
  const args = copyArguments(read?.(argsKey));
  if (args === null) return undefined;
  const call = args === undefined ? copy : { ...copy, [argsKey]: args };
  return { server, tool, args, scopes, forwarded: [call, ...rest] };
}

function readPositional(
  first: string,
  rest: readonly unknown[],
  serverId: string | undefined,
): RouterCall | undefined {
  const [second, ...others] = rest;
  if (serverId !== undefined) {
    const args = copyArguments(second);
    if (args === null) return undefined;
    const forwarded = rest.length === 0 ? [first] : [first, args, ...others];
    return { server: serverId, tool: first, args, scopes: undefined, forwarded };
  }
  if (typeof second !== "string") return undefined;
  const [third, ...more] = others;
  const args = copyArguments(third);
  if (args === null) return undefined;
  const forwarded = others.length === 0 ? [first, second] : [first, second, args, ...more];
  return { server: first, tool: second, args, scopes: undefined, forwarded };
}

/** The value that all of those present agree on. */
function onlyOne(values: readonly unknown[]): unknown {
  const present = new Set(values.filter((value) => value !== undefined));
  return present.size === 1 ? [...present][0] : undefined;
}

function isNames(value: unknown): value is readonly string[] | undefined {
  if (value === undefined) return true;
  return Array.isArray(value) && value.every((name: unknown) => typeof name === "string");
}

/** A copy through JSON; `null` for what is no object there. */
function copyArguments(args: unknown): object | undefined | null {
  if (args === undefined) return undefined;
  const text: unknown = JSON.stringify(args);
  const copy: unknown = typeof text === "string" ? JSON.parse(text) : null;
  return typeof copy === "object" && !Array.isArray(copy) ? copy : null;
}
