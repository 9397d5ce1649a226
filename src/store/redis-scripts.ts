// What Redis does for a store in one step each: Lua scripts, which Redis runs alone (EVAL).
//
// A row is `<group>\n<tag><json>`: the group is what rows are found by, the tag what a script must
// know of a row; the json is read by the host alone, since Lua's numbers are not exact there.
import { LIMIT_PURGE_ROWS, LIMIT_QUESTIONS_PENDING, LIMIT_SESSION_ANCESTORS } from "./limits.ts";

/** A change of what the keys hold is a new version. */
export const REDIS_STORE_VERSION = "1";

/** Key names of a store, behind its prefix. */
export type RedisKey =
  | "meta"
  | "leases"
  | "leases:left"
  | "leases:index"
  | "leases:expiry"
  | "consents"
  | "consents:index"
  | "consents:expiry"
  | "questions"
  | "questions:expiry"
  | "questions:waiting"
  | "questions:answers"
  | "sessions"
  | "sessions:parents"
  | "sessions:children"
  | "drift"
  | "nonces"
  | "logs"
  | "logs:closed"
  | "trust";

/** A script and the keys it touches. `ARGV[1]` is the id of the store. */
export interface RedisScript {
  readonly keys: readonly RedisKey[];
  readonly text: string;
}

const RUN = `local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
if not run then return redis.error_reply('PCSTORE norun') end`;

/** WHY: how far a guard's clock is from the server's is part of how long a nonce lives, seen from there. */
const SERVER_MS = `local time = redis.call('TIME')
local server_ms = time[1] * 1000 + math.floor(time[2] / 1000)`;

/** WHY: INFO memory costs more than most scripts, so it is asked for where a server is new. */
const EVICTS = `local memory = redis.call('INFO', 'memory')
local policy = string.match(memory, 'maxmemory_policy:([%w-]+)') or ''
local limit = string.match(memory, 'maxmemory:(%d+)') or '0'
if limit ~= '0' and string.find(policy, 'allkeys', 1, true) == 1 then
  return redis.error_reply('PCSTORE evicts')
end`;

/**
 * WHY: a Redis that was started again, or a replica that took over, may have forgotten the last
 * writes, and one that was emptied has forgotten all: both are noticed before anything is believed.
 */
const PRELUDE = `local known = redis.call('HMGET', KEYS[1], 'version', 'store', 'run')
if known[1] ~= '${REDIS_STORE_VERSION}' or known[2] ~= ARGV[1] then
  return redis.error_reply('PCSTORE other')
end
${RUN}
if known[3] ~= run then return redis.error_reply('PCSTORE restarted') end
`;

const PURGE = `local function purge(rows, expiry, before, forget)
  local old = redis.call('ZRANGEBYSCORE', expiry, '-inf', before, 'LIMIT', 0, ${LIMIT_PURGE_ROWS})
  for _, id in ipairs(old) do forget(id) end
end
`;

const FORGET_INDEXED = `local function forget(id)
  local row = redis.call('HGET', KEYS[2], id)
  if row then redis.call('ZREM', KEYS[3], string.match(row, '^[^\\n]*\\n') .. id) end
  redis.call('HDEL', KEYS[2], id)
  redis.call('ZREM', KEYS[4], id)
  if KEYS[5] then redis.call('HDEL', KEYS[5], id) end
end
`;

const FORGET_QUESTION = `local function forget(id)
  local was = redis.call('HDEL', KEYS[2], id)
  redis.call('ZREM', KEYS[3], id)
  redis.call('ZREM', KEYS[4], id)
  redis.call('HDEL', KEYS[5], id)
  return was
end
`;

/** Rows of a group: ids and rows in turn. */
const FIND = `local found = {}
local members = redis.call('ZRANGEBYLEX', KEYS[3], '[' .. ARGV[2] .. '\\n', '(' .. ARGV[2] .. '\\11')
for _, member in ipairs(members) do
  local id = string.sub(member, #ARGV[2] + 2)
  local row = redis.call('HGET', KEYS[2], id)
  if not row then return redis.error_reply('PCSTORE damaged') end
  found[#found + 1] = id
  found[#found + 1] = row
`;

/** Labels of a session and of all above it, and how many those are; nil when its line has no end. */
const LINEAGE = `local function lineage(hash)
  local mask, depth, at = 0, 0, hash
  while at do
    local own = redis.call('HGET', KEYS[2], at)
    if not own and depth == 0 then return 0, 0 end
    if not own or depth > ${LIMIT_SESSION_ANCESTORS} or not string.match(own, '^%d+$') then return nil end
    local number = tonumber(own)
    if number > 4294967295 then return nil end
    mask, depth = bit.bor(mask, number), depth + 1
    at = redis.call('HGET', KEYS[3], at)
  end
  if mask < 0 then mask = mask + 4294967296 end
  return mask, depth
end
local function text(number) return string.format('%.0f', number) end
`;

const LEASES: readonly RedisKey[] = [
  "meta",
  "leases",
  "leases:index",
  "leases:expiry",
  "leases:left",
];
const CONSENTS: readonly RedisKey[] = ["meta", "consents", "consents:index", "consents:expiry"];
const QUESTIONS: readonly RedisKey[] = [
  "meta",
  "questions",
  "questions:expiry",
  "questions:waiting",
  "questions:answers",
];
const SESSIONS: readonly RedisKey[] = ["meta", "sessions", "sessions:parents", "sessions:children"];
const GRANTS: readonly RedisKey[] = [...LEASES, ...CONSENTS.slice(1), ...QUESTIONS.slice(1)];

function script(keys: readonly RedisKey[], text: string): RedisScript {
  return { keys, text: PRELUDE + text };
}

/** The id of the store, which is made when there is none. ARGV: a new id. */
export const OPEN: RedisScript = {
  keys: ["meta", "leases", "consents", "sessions", "drift", "nonces", "logs", "trust"],
  text: `${EVICTS}
${RUN}
local known = redis.call('HMGET', KEYS[1], 'version', 'store')
if known[1] and known[1] ~= '${REDIS_STORE_VERSION}' then return redis.error_reply('PCSTORE version') end
if known[1] and known[2] then return known[2] end
for index = 1, #KEYS do
  if redis.call('EXISTS', KEYS[index]) == 1 then return redis.error_reply('PCSTORE damaged') end
end
redis.call('HSET', KEYS[1], 'version', '${REDIS_STORE_VERSION}', 'store', ARGV[1], 'run', run)
return ARGV[1]`,
};

/**
 * Ends every grant from before a restart of the server, and every nonce that may have been used and
 * forgotten. ARGV: store, ms that a nonce lives at most where none was ever seen.
 */
export const RESTARTED: RedisScript = {
  keys: [...GRANTS, "nonces"],
  text: `if redis.call('HGET', KEYS[1], 'store') ~= ARGV[1] then return redis.error_reply('PCSTORE other') end
${RUN}
if redis.call('HGET', KEYS[1], 'run') == run then return 0 end
${EVICTS}
for index = 2, #KEYS - 1 do redis.call('DEL', KEYS[index]) end
local known = redis.call('HMGET', KEYS[1], 'nonces_forgotten_ms', 'nonce_span_ms')
${SERVER_MS}
local until_ms = server_ms + tonumber(known[2] or ARGV[2])
until_ms = math.max(until_ms, tonumber(known[1] or '-1'))
redis.call('HSET', KEYS[1], 'nonces_forgotten_ms', string.format('%.0f', until_ms), 'run', run)
return 1`,
};

/** ARGV: store, id, group, row, expiry, purge before, left. */
export const PUT_LEASE: RedisScript = script(
  LEASES,
  `${PURGE}${FORGET_INDEXED}purge(KEYS[2], KEYS[4], ARGV[6], forget)
if redis.call('HSETNX', KEYS[2], ARGV[2], ARGV[4]) == 0 then return 0 end
redis.call('ZADD', KEYS[3], 0, ARGV[3] .. '\\n' .. ARGV[2])
redis.call('ZADD', KEYS[4], ARGV[5], ARGV[2])
redis.call('HSET', KEYS[5], ARGV[2], ARGV[7])
return 1`,
);

/** ARGV: store, id. Gives row and left. */
export const GET_LEASE: RedisScript = script(
  LEASES,
  "return {redis.call('HGET', KEYS[2], ARGV[2]), redis.call('HGET', KEYS[5], ARGV[2])}",
);

/** ARGV: store, group. Gives id, row and left in turn. */
export const FIND_LEASES: RedisScript = script(
  LEASES,
  `${FIND}  found[#found + 1] = redis.call('HGET', KEYS[5], id)
end
return found`,
);

/** Gives ids and rows in turn, and ids and what is left. */
export const LIST_LEASES: RedisScript = script(
  LEASES,
  "return {redis.call('HGETALL', KEYS[2]), redis.call('HGETALL', KEYS[5])}",
);

/** ARGV: store, id, what must be left. */
export const CONSUME_LEASE: RedisScript = script(
  LEASES,
  `if redis.call('HGET', KEYS[5], ARGV[2]) ~= ARGV[3] then return 0 end
if ARGV[3] == 'any' then return 1 end
redis.call('HSET', KEYS[5], ARGV[2], string.format('%.0f', tonumber(ARGV[3]) - 1))
return 1`,
);

/** ARGV: store, id. */
export const REVOKE_LEASE: RedisScript = script(
  LEASES,
  `local left = redis.call('HGET', KEYS[5], ARGV[2])
if not left then return 0 end
if string.sub(left, 1, 1) ~= '!' then redis.call('HSET', KEYS[5], ARGV[2], '!' .. left) end
return 1`,
);

/** ARGV: store, id, group, row, expiry, purge before. */
export const PUT_CONSENT: RedisScript = script(
  CONSENTS,
  `${PURGE}${FORGET_INDEXED}purge(KEYS[2], KEYS[4], ARGV[6], forget)
if redis.call('HSETNX', KEYS[2], ARGV[2], ARGV[4]) == 0 then return 0 end
redis.call('ZADD', KEYS[3], 0, ARGV[3] .. '\\n' .. ARGV[2])
redis.call('ZADD', KEYS[4], ARGV[5], ARGV[2])
return 1`,
);

/** ARGV: store, group. Gives ids and rows in turn. */
export const FIND_CONSENTS: RedisScript = script(CONSENTS, `${FIND}end\nreturn found`);

/** Gives ids and rows in turn. */
export const LIST_CONSENTS: RedisScript = script(CONSENTS, "return redis.call('HGETALL', KEYS[2])");

/** ARGV: store, id. */
export const CONSUME_CONSENT: RedisScript = script(
  CONSENTS,
  `${FORGET_INDEXED}local row = redis.call('HGET', KEYS[2], ARGV[2])
if not row then return 0 end
local tag = string.match(row, '^[^\\n]*\\n(.)')
if tag == '1' then forget(ARGV[2]) elseif tag ~= '*' then return redis.error_reply('PCSTORE damaged') end
return 1`,
);

/** ARGV: store, id. */
export const REVOKE_CONSENT: RedisScript = script(
  CONSENTS,
  `${FORGET_INDEXED}if redis.call('HEXISTS', KEYS[2], ARGV[2]) == 0 then return 0 end
forget(ARGV[2])
return 1`,
);

/** ARGV: store, id, row, expiry, purge before, now. */
export const PUT_QUESTION: RedisScript = script(
  QUESTIONS,
  `${PURGE}${FORGET_QUESTION}purge(KEYS[2], KEYS[3], ARGV[5], forget)
if redis.call('HEXISTS', KEYS[2], ARGV[2]) == 1 then return 0 end
if redis.call('ZCOUNT', KEYS[4], '(' .. ARGV[6], '+inf') >= ${LIMIT_QUESTIONS_PENDING} then return 0 end
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[2])
redis.call('ZADD', KEYS[4], ARGV[4], ARGV[2])
return 1`,
);

/** ARGV: store, now. Gives ids and rows in turn. */
export const LIST_QUESTIONS: RedisScript = script(
  QUESTIONS,
  `local found = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '(' .. ARGV[2], '+inf')) do
  found[#found + 1] = id
  found[#found + 1] = redis.call('HGET', KEYS[2], id)
end
return found`,
);

/** ARGV: store, id, channel, now, answer. */
export const ANSWER_QUESTION: RedisScript = script(
  QUESTIONS,
  `local expiry = redis.call('ZSCORE', KEYS[4], ARGV[2])
local row = redis.call('HGET', KEYS[2], ARGV[2])
if not expiry or not row or tonumber(expiry) <= tonumber(ARGV[4]) then return 0 end
local channels = ' ' .. string.match(row, '^[^\\n]*') .. ' '
if not string.find(channels, ' ' .. ARGV[3] .. ' ', 1, true) then return 0 end
redis.call('HSET', KEYS[5], ARGV[2], ARGV[5])
redis.call('ZREM', KEYS[4], ARGV[2])
return 1`,
);

/** ARGV: store, id. */
export const GET_ANSWER: RedisScript = script(
  QUESTIONS,
  "return redis.call('HGET', KEYS[5], ARGV[2])",
);

/** ARGV: store, id. */
export const REMOVE_QUESTION: RedisScript = script(
  QUESTIONS,
  `${FORGET_QUESTION}return forget(ARGV[2])`,
);

/** ARGV: store, session. */
export const GET_TAINT: RedisScript = script(
  SESSIONS,
  `${LINEAGE}local mask = lineage(ARGV[2])
if not mask then return redis.error_reply('PCSTORE damaged') end
return text(mask)`,
);

/** ARGV: store, session, mask. */
export const ADD_TAINT: RedisScript = script(
  SESSIONS,
  `${LINEAGE}local mask = lineage(ARGV[2])
if not mask then return redis.error_reply('PCSTORE damaged') end
if ARGV[3] == '0' then return text(mask) end
local own = bit.bor(tonumber(redis.call('HGET', KEYS[2], ARGV[2]) or '0'), tonumber(ARGV[3]))
if own < 0 then own = own + 4294967296 end
redis.call('HSET', KEYS[2], ARGV[2], text(own))
return text((lineage(ARGV[2])))`,
);

/** ARGV: store, child, parent. */
export const LINK_SESSION: RedisScript = script(
  SESSIONS,
  `${LINEAGE}local child, parent = ARGV[2], ARGV[3]
local before = redis.call('HGET', KEYS[3], child)
if before == parent then return 1 end
if child == parent or before then return 0 end
if redis.call('HEXISTS', KEYS[4], child) == 1 then return 0 end
local mask, depth = lineage(parent)
if not mask then return redis.error_reply('PCSTORE damaged') end
if math.max(depth, 1) > ${LIMIT_SESSION_ANCESTORS} then return 0 end
redis.call('HSETNX', KEYS[2], parent, '0')
redis.call('HSETNX', KEYS[2], child, '0')
redis.call('HSET', KEYS[3], child, parent)
redis.call('HINCRBY', KEYS[4], parent, 1)
return 1`,
);

/** Gives sessions and masks, and children and parents, in turn. */
export const LIST_SESSIONS: RedisScript = script(
  SESSIONS,
  "return {redis.call('HGETALL', KEYS[2]), redis.call('HGETALL', KEYS[3])}",
);

/** ARGV: store, session. */
export const RESET_SESSION: RedisScript = script(
  SESSIONS,
  `if redis.call('HEXISTS', KEYS[2], ARGV[2]) == 0 then return 0 end
local isLinked = redis.call('HEXISTS', KEYS[3], ARGV[2]) + redis.call('HEXISTS', KEYS[4], ARGV[2])
if isLinked == 0 then redis.call('HDEL', KEYS[2], ARGV[2])
else redis.call('HSET', KEYS[2], ARGV[2], '0') end
return 1`,
);

/** ARGV: store, group and item. */
export const ADD_DRIFT: RedisScript = script(
  ["meta", "drift"],
  "return redis.call('ZADD', KEYS[2], 0, ARGV[2])",
);

/** ARGV: store, group. Gives groups and items. */
export const LIST_DRIFT: RedisScript = script(
  ["meta", "drift"],
  "return redis.call('ZRANGEBYLEX', KEYS[2], '[' .. ARGV[2] .. '\\n', '(' .. ARGV[2] .. '\\11')",
);

/** ARGV: store, nonce, expiry, now. */
export const USE_NONCE: RedisScript = script(
  ["meta", "nonces"],
  `local known = redis.call('HMGET', KEYS[1], 'nonces_forgotten_ms', 'nonce_span_ms')
local before, expiry = tonumber(known[1] or '-1'), tonumber(ARGV[3])
local forgotten = before
local old = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[4], 'WITHSCORES', 'LIMIT', 0, ${LIMIT_PURGE_ROWS})
for index = 1, #old, 2 do
  forgotten = math.max(forgotten, tonumber(old[index + 1]))
  redis.call('ZREM', KEYS[2], old[index])
end
if forgotten > before then
  redis.call('HSET', KEYS[1], 'nonces_forgotten_ms', string.format('%.0f', forgotten))
end
if expiry <= forgotten then return 0 end
${SERVER_MS}
if expiry - server_ms > tonumber(known[2] or '-1') then
  redis.call('HSET', KEYS[1], 'nonce_span_ms', string.format('%.0f', expiry - server_ms))
end
return redis.call('ZADD', KEYS[2], 'NX', ARGV[3], ARGV[2])`,
);

/** ARGV: store, origin, log. */
export const REGISTER_LOG: RedisScript = script(
  ["meta", "logs"],
  "return redis.call('HSETNX', KEYS[2], ARGV[2], ARGV[3])",
);

/** ARGV: store, origin, now. */
export const CLOSE_LOG: RedisScript = script(
  ["meta", "logs", "logs:closed"],
  `if redis.call('HEXISTS', KEYS[2], ARGV[2]) == 0 then return 0 end
redis.call('HSETNX', KEYS[3], ARGV[2], ARGV[3])
return 1`,
);

/** Gives origins and logs, and origins and ends, in turn. */
export const LIST_LOGS: RedisScript = script(
  ["meta", "logs", "logs:closed"],
  "return {redis.call('HGETALL', KEYS[2]), redis.call('HGETALL', KEYS[3])}",
);

export const LOAD_TRUST: RedisScript = script(
  ["meta", "trust"],
  "return redis.call('GET', KEYS[2])",
);

/** ARGV: store, what is there (empty for nothing), what is to be there. */
export const SAVE_TRUST: RedisScript = script(
  ["meta", "trust"],
  `if (redis.call('GET', KEYS[2]) or '') ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[2], ARGV[3])
return 1`,
);
