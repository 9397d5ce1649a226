// Seeded random JSON-RPC messages: calls, notifications and responses, most with a valid shape,
// the others with one of the tricks of 50-proxy section 3.
import {
  joinObject,
  memberText,
  mutateBytes,
  randomFault,
  randomNumber,
  randomObject,
  randomSpelling,
  randomValue,
} from "./generate.ts";
import { createRandom, type Random } from "./random.ts";

const IDS: readonly [string, ...string[]] = [
  "0",
  "1",
  "-1",
  "-0",
  "9007199254740991",
  "-9007199254740991",
  '"1"',
  '""',
  '"a\\u0062c"',
  `"${"i".repeat(256)}"`,
  `"${"\u00e9".repeat(128)}"`,
];
const BAD_IDS: readonly [string, ...string[]] = [
  "null",
  "true",
  "1.0",
  "1e0",
  "1.5",
  "9007199254740992",
  "-9007199254740992",
  "18446744073709551616",
  "[1]",
  "{}",
  '"\\ud800"',
  '"portcullis:1"',
  '"\\u0070ortcullis:1"',
  `"${"i".repeat(257)}"`,
  `"${"\u00e9".repeat(128)}x"`,
];
const METHODS: readonly [string, ...string[]] = [
  "tools/call",
  "tools/call",
  "tools/call",
  "prompts/get",
  "resources/read",
  "resources/subscribe",
  "resources/unsubscribe",
  "tools/list",
  "initialize",
  "ping",
  "vendor/execute",
  "Tools/Call",
  "tools/call ",
  "",
];
const NOTIFICATIONS: readonly [string, ...string[]] = [
  "notifications/initialized",
  "notifications/cancelled",
  "notifications/",
  "notifications/tools/list_changed",
];
const KNOWN: readonly [string, ...string[]] = [
  "name",
  "arguments",
  "uri",
  "_meta",
  "task",
  "inputResponses",
  "requestState",
];

/** A member that readers which fold case would take for a known one; unchanged for `_`. */
function foldedVariant(random: Random, name: string): string {
  const at = random.below(name.length);
  const letter = name.charAt(at);
  const special = letter === "s" ? "\u017f" : letter === "k" ? "\u212a" : letter.toUpperCase();
  const other = random.chance(60) ? special : letter.toUpperCase();
  const changed = letter === other ? letter.toLowerCase() : other;
  return name.slice(0, at) + changed + name.slice(at + 1);
}

function randomParams(random: Random, method: string): string {
  const isByUri = method.startsWith("resources/");
  const members: string[] = [];
  const target = random.chance(95)
    ? randomSpelling(random, random.pick(["read_file", "x", "", "é", "__proto__", "a\u0000b"]))
    : random.pick(["1", "null", "[]", '"\\udc00"']);
  if (random.chance(97)) members.push(memberText(random, isByUri ? "uri" : "name", target));
  if (random.chance(75)) {
    const isObject = random.chance(95);
    const given = isObject ? randomObject(random, random.below(4)) : randomValue(random, 1);
    members.push(memberText(random, "arguments", given));
  }
  if (random.chance(20)) members.push(memberText(random, "_meta", randomObject(random, 1)));
  if (random.chance(10)) members.push(memberText(random, "task", randomObject(random, 1)));
  if (random.chance(8)) {
    const folded = foldedVariant(random, random.pick(KNOWN));
    members.push(memberText(random, folded, randomValue(random, 0)));
  }
  if (random.chance(5)) members.push(memberText(random, "n\u0430me", '"cyrillic"'));
  if (random.chance(2)) members.push(memberText(random, "x", randomFault(random)));
  return joinObject(random, random.shuffle(members));
}

function randomId(random: Random): string {
  if (random.chance(80)) return String(random.below(1000));
  return random.chance(70) ? random.pick(IDS) : random.pick(BAD_IDS);
}

function callMembers(random: Random): string[] {
  const isNotification = random.chance(15);
  const method = random.pick(isNotification ? NOTIFICATIONS : METHODS);
  const spelled = random.chance(98) ? randomSpelling(random, method) : random.pick(["1", "null"]);
  const members = [memberText(random, "method", spelled)];
  if (isNotification === random.chance(3)) members.push(memberText(random, "id", randomId(random)));
  if (random.chance(90)) {
    const isObject = random.chance(96);
    const params = isObject ? randomParams(random, method) : randomValue(random, 1);
    members.push(memberText(random, "params", params));
  }
  return members;
}

function responseMembers(random: Random): string[] {
  const members = [memberText(random, "id", random.chance(6) ? "null" : randomId(random))];
  const isError = random.chance(30);
  const value = isError ? '{"code":-32601,"message":"no"}' : randomObject(random, 2);
  members.push(memberText(random, isError ? "error" : "result", value));
  if (random.chance(4)) members.push(memberText(random, isError ? "result" : "error", "null"));
  if (random.chance(10)) members.push(memberText(random, "result", `[${randomNumber(random)}]`));
  return members;
}

/** One stdio line without its line feed: about two thirds have a valid shape. */
export function generateMessage(seed: number): Uint8Array {
  const random = createRandom(seed);
  const version = random.chance(97) ? '"2.0"' : random.pick(["2.0", '"1.0"', "2", '"2\\u002e0"']);
  const members = random.chance(75) ? callMembers(random) : responseMembers(random);
  if (random.chance(99)) members.push(memberText(random, "jsonrpc", version));
  if (random.chance(3)) {
    const extra = random.pick(["extra", "Method", "param\u017f", "params", "id", "ID", "_meta"]);
    members.push(memberText(random, extra, randomValue(random, 1)));
  }
  let text = joinObject(random, random.shuffle(members));
  // white space that the generator of texts writes; a carriage return is malformed on stdio
  if (random.chance(90)) text = text.replaceAll("\r", " ");
  if (random.chance(2)) text = `[${text}]`;
  if (random.chance(5)) text += random.pick(["\r", "\n", "\r\r", " \r", "\r "]);
  const bytes = new TextEncoder().encode(text);
  return random.chance(6) ? mutateBytes(random, bytes) : bytes;
}
