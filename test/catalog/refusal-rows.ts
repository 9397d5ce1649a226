// Every rule of 10-catalog section 1, broken once each: data for parse-refusals.test.ts.
import { digestOf, EXAMPLE } from "../fixtures/catalog.ts";

/** One change of EXAMPLE that must be refused as CATALOG_SCHEMA at `path`. */
export type RefusalRow = readonly [title: string, from: string, to: string, path: string];

const TOOL = "servers.filesystem.tools.read_text_file";
export const READ_SCOPE = 'scope  = ["fs.read"]                     # required';
const TOOL_EFFECT = 'effect = "read"                          # required';
const VETTING = "vetting_accept = []";
const MAX_SCOPE = 'max_allowed_scope = ["fs.read", "fs.write"]';
const COMMAND =
  'command  = ["npx", "-y", "@modelcontextprotocol/server-filesystem@2026.8.31", "/workspace"]';
const ENV = 'env      = ["HOME", "PATH"]';
const ARGS = '"/path" = { under = ["/workspace"] }';
const WHEN = 'when = { effect = ["destructive"], lease = false }';
const RULE_ID = 'id = "no-destructive-outside-lease"';

export const UNKNOWN_KEYS: readonly RefusalRow[] = [
  ["of the catalog", "schema  = 1", "schema = 1\nserver = {}", "server"],
  ["of the catalog, __proto__", "schema  = 1", "schema = 1\n__proto__ = 1", "__proto__"],
  ["of the catalog, empty", "schema  = 1", 'schema = 1\n"" = 1', '""'],
  [
    "of a server",
    MAX_SCOPE,
    `${MAX_SCOPE}\nmax_allowed_scop = []`,
    "servers.filesystem.max_allowed_scop",
  ],
  [
    "of a server, __proto__",
    MAX_SCOPE,
    `${MAX_SCOPE}\n__proto__ = []`,
    "servers.filesystem.__proto__",
  ],
  ["of a tool", VETTING, `${VETTING}\nadd_taint = []`, `${TOOL}.add_taint`],
  ["of a tool, constructor", VETTING, `${VETTING}\nconstructor = {}`, `${TOOL}.constructor`],
  ["of a constraint", ARGS, '"/path" = { undr = ["/"] }', `${TOOL}.args."/path".undr`],
  ["of a principal", "# default: all", "\nserver = []", 'principals."agent:research-*".server'],
  ["of a rule", RULE_ID, `${RULE_ID}\nif = {}`, "rules[0].if"],
  ["of a condition", WHEN, 'when = { efect = ["read"] }', "rules[0].when.efect"],
  ["that is hidden text", "schema  = 1", 'schema = 1\n"a\\u200Bb" = 1', '"a\\u200bb"'],
];

export const MISSING: readonly RefusalRow[] = [
  ["schema", "schema  = 1\n", "", "schema"],
  ["id", 'id      = "acme-agents" ', "", "id"],
  ["version", "version = 7", "", "version"],
  ["issued", "issued  = 2026-11-20T00:00:00Z\n", "", "issued"],
  ["expires", "expires = 2027-02-20T00:00:00Z", "", "expires"],
  ["a server's fingerprint", 'fingerprint       = "@FP@"', "", "servers.filesystem.fingerprint"],
  ["a server's maximum", MAX_SCOPE, "", "servers.filesystem.max_allowed_scope"],
  ["a server's command and url", COMMAND, "", "servers.filesystem"],
  [
    "a tool's fingerprint",
    `fingerprint = "${digestOf("read_text_file")}"`,
    "",
    `${TOOL}.fingerprint`,
  ],
  ["a tool's scope", READ_SCOPE, "#", `${TOOL}.scope`],
  ["a tool's effect", TOOL_EFFECT, "#", `${TOOL}.effect`],
  ["a rule's id", RULE_ID, "", "rules[0].id"],
  ["a rule's conditions", WHEN, "", "rules[0].when"],
  ["a rule's outcome", 'then = "deny"', "", "rules[0].then"],
];

export const HEAD_ROWS: readonly RefusalRow[] = [
  ["another schema", "schema  = 1", "schema = 2", "schema"],
  ["a schema that is a float", "schema  = 1", "schema = 1.0", "schema"],
  ["an empty id", '"acme-agents"', '""', "id"],
  ["an id with a line break", '"acme-agents"', '"a\\nb"', "id"],
  ["version 0", "version = 7", "version = 0", "version"],
  ["a negative version", "version = 7", "version = -1", "version"],
  ["version 2^53", "version = 7", "version = 9007199254740992", "version"],
  ["a version of 1 000 digits", "version = 7", `version = ${"9".repeat(1000)}`, "version"],
  ["a version that is a float", "version = 7", "version = 7.0", "version"],
  ["a version that is infinite", "version = 7", "version = inf", "version"],
  ["a version that is text", "version = 7", 'version = "7"', "version"],
  ["expires at issued", "2027-02-20T00:00:00Z", "2026-11-20T00:00:00Z", "expires"],
  ["expires before issued", "2027-02-20T00:00:00Z", "2026-11-19T23:59:59Z", "expires"],
  ["30 February", "2027-02-20T00:00:00Z", "2027-02-30T00:00:00Z", "expires"],
  ["an offset", "2027-02-20T00:00:00Z", "2027-02-20T00:00:00+01:00", "expires"],
  ["a zero offset", "2027-02-20T00:00:00Z", "2027-02-20T00:00:00+00:00", "expires"],
  ["a local date-time", "2027-02-20T00:00:00Z", "2027-02-20T00:00:00", "expires"],
  ["a date without time", "2027-02-20T00:00:00Z", "2027-02-20", "expires"],
  ["a time", "2027-02-20T00:00:00Z", "12:00:00", "expires"],
  ["a date in text", "2027-02-20T00:00:00Z", '"2027-02-20T00:00:00Z"', "expires"],
  ["milliseconds", "2027-02-20T00:00:00Z", "2027-02-20T00:00:00.001Z", "expires"],
  ["zero milliseconds, spelled", "2027-02-20T00:00:00Z", "2027-02-20T00:00:00.000Z", "expires"],
  ["microseconds", "2027-02-20T00:00:00Z", "2027-02-20T00:00:00.000001Z", "expires"],
  ["a small z", "2027-02-20T00:00:00Z", "2027-02-20T00:00:00z", "expires"],
  ["a blank for T", "2027-02-20T00:00:00Z", "2027-02-20 00:00:00Z", "expires"],
  ["no seconds", "2027-02-20T00:00:00Z", "2027-02-20T00:00Z", "expires"],
  ["a quoted key", "expires = 2027", '"expires" = 2027', "expires"],
];

export const NAME_ROWS: readonly RefusalRow[] = [
  ["an upper-case scope name", '"payments.refund" =', '"Payments" =', "scopes.Payments"],
  ["an empty scope name", '"payments.refund" =', '"" =', 'scopes.""'],
  ["a scope name of 65", '"payments.refund" =', `${"a".repeat(65)} =`, `scopes.${"a".repeat(65)}`],
  ["a built-in scope, defined again", '"payments.refund" =', '"fs.read" =', 'scopes."fs.read"'],
  ["a dotted scope name, not quoted", '"payments.refund" =', "payouts.refund =", "scopes.payouts"],
  ["a scope without description", '"issue a refund"', "1", 'scopes."payments.refund"'],
  ["a built-in label, defined again", "customer =", "secret =", "taints.secret"],
  ["a label with a blank", "customer =", '"a b" =', 'taints."a b"'],
  ["scopes that are a list", "[scopes] ", "scopes = []\n[xx]\n#", "xx"],
  ["a server id with a blank", "[servers.filesystem]", '[servers."a b"]', 'servers."a b"'],
  ["an empty server id", "[servers.filesystem]", '[servers.""]', 'servers.""'],
  ["a server id __proto__", "[servers.filesystem]", "[servers.__proto__]", "servers.__proto__"],
  ["an empty tool name", "read_text_file]", '""]', 'servers.filesystem.tools.""'],
  [
    "a tool name with U+0000",
    "read_text_file]",
    '"a\\u0000b"]',
    'servers.filesystem.tools."a\\u0000b"',
  ],
  [
    "a tool name with U+0085",
    "read_text_file]",
    '"a\\u0085b"]',
    'servers.filesystem.tools."a\\u0085b"',
  ],
  [
    "a prompt name with a line break",
    "prompts.summarise",
    'prompts."a\\nb"',
    'servers.filesystem.prompts."a\\nb"',
  ],
  ["an empty uri", '"file:///workspace/README.md"', '""', 'servers.filesystem.resources.""'],
  [
    "a template operator",
    "{name}",
    "{+name}",
    'servers.filesystem.resource_templates."file:///workspace/{+name}"',
  ],
  [
    "a template list",
    "{name}",
    "{a,b}",
    'servers.filesystem.resource_templates."file:///workspace/{a,b}"',
  ],
  [
    "an open template",
    "{name}",
    "{name",
    'servers.filesystem.resource_templates."file:///workspace/{name"',
  ],
  [
    "an empty variable",
    "{name}",
    "{}",
    'servers.filesystem.resource_templates."file:///workspace/{}"',
  ],
  ["a principal with two stars", "research-*", "*-*", 'principals."agent:*-*"'],
  ["a principal with a star inside", "research-*", "*-x", 'principals."agent:*-x"'],
  ["an empty principal", '"agent:research-*"', '""', 'principals.""'],
];

const SERVER = "servers.filesystem";
export const SERVER_ROWS: readonly RefusalRow[] = [
  ["command and url", COMMAND, `${COMMAND}\nurl = "https://h"`, SERVER],
  ["an empty command", COMMAND, "command = []", `${SERVER}.command`],
  ["an empty program", COMMAND, 'command = ["", "x"]', `${SERVER}.command`],
  ["a command that is text", COMMAND, 'command = "npx x"', `${SERVER}.command`],
  ["an argument that is a number", COMMAND, 'command = ["npx", 1]', `${SERVER}.command[1]`],
  ["an argument with U+0000", COMMAND, 'command = ["npx", "a\\u0000"]', `${SERVER}.command[1]`],
  ["headers beside a command", ENV, 'header_env = { A = "B" }', `${SERVER}.header_env`],
  ["a variable twice", ENV, 'env = ["HOME", "HOME"]', `${SERVER}.env[1]`],
  ["a variable with its value", ENV, 'env = ["HOME", "A=secret"]', `${SERVER}.env[1]`],
  ["an empty variable", ENV, 'env = [""]', `${SERVER}.env[0]`],
  [
    "an undefined maximum scope",
    MAX_SCOPE,
    'max_allowed_scope = ["fs.reed"]',
    `${SERVER}.max_allowed_scope[0]`,
  ],
  [
    "operator_verified as text",
    "operator_verified = true",
    'operator_verified = "false"',
    `${SERVER}.operator_verified`,
  ],
  ["an unknown feature", 'allow    = ["tools"]', 'allow = ["tool"]', `${SERVER}.allow[0]`],
  ["a feature twice", 'allow    = ["tools"]', 'allow = ["tools", "tools"]', `${SERVER}.allow[1]`],
  ["an empty method", "methods  = []", 'methods = [""]', `${SERVER}.methods[0]`],
  ["a method with a line break", "methods  = []", 'methods = ["a\\nb"]', `${SERVER}.methods[0]`],
  ["a method twice", "methods  = []", 'methods = ["a", "a"]', `${SERVER}.methods[1]`],
  ["another on_drift", '"block-server"', '"warn"', `${SERVER}.on_drift`],
  [
    "short instructions",
    /instructions = "[^"]*"/.exec(EXAMPLE)?.[0] ?? "",
    'instructions = "sha256:ab"',
    `${SERVER}.instructions`,
  ],
  [
    "an unknown consent channel",
    '["elicitation", "terminal", "web"]',
    '["mail"]',
    `${SERVER}.consent_channels[0]`,
  ],
  ["an upper-case server digest", '"@FP@"', `"sha256:${"A".repeat(64)}"`, `${SERVER}.fingerprint`],
  ["a list of server digests", '"@FP@"', '["@FP@"]', `${SERVER}.fingerprint`],
];

const DIGEST = `"${digestOf("read_text_file")}"`;
export const ITEM_ROWS: readonly RefusalRow[] = [
  ["a short digest", DIGEST, `"sha256:${"a".repeat(63)}"`, `${TOOL}.fingerprint`],
  ["a long digest", DIGEST, `"sha256:${"a".repeat(65)}"`, `${TOOL}.fingerprint`],
  ["a digest without label", DIGEST, `"${"a".repeat(64)}"`, `${TOOL}.fingerprint`],
  ["a digest and a line feed", DIGEST, `"sha256:${"a".repeat(64)}\\n"`, `${TOOL}.fingerprint`],
  ["no digest in the list", DIGEST, "[]", `${TOOL}.fingerprint`],
  ["a digest twice", DIGEST, `[${DIGEST}, ${DIGEST}]`, `${TOOL}.fingerprint[1]`],
  ["an empty scope", READ_SCOPE, "scope = [] #", `${TOOL}.scope`],
  ["a scope as text", READ_SCOPE, 'scope = "fs.read" #', `${TOOL}.scope`],
  ["an undefined scope", READ_SCOPE, 'scope = ["fs.wirte"] #', `${TOOL}.scope[0]`],
  ["a scope above the maximum", READ_SCOPE, 'scope = ["fs.read", "exec"] #', `${TOOL}.scope[1]`],
  ["a scope twice", READ_SCOPE, 'scope = ["fs.read", "fs.read"] #', `${TOOL}.scope[1]`],
  ["an empty scope name", READ_SCOPE, 'scope = [""] #', `${TOOL}.scope[0]`],
  ["another effect", TOOL_EFFECT, 'effect = "none" #', `${TOOL}.effect`],
  ["an effect in a list", TOOL_EFFECT, 'effect = ["read"] #', `${TOOL}.effect`],
  ["another requirement", "requires    = []", 'requires = ["leases"]', `${TOOL}.requires[0]`],
  ["an undefined label to add", '["untrusted"]', '["custmer"]', `${TOOL}.adds_taint[0]`],
  [
    "an undefined label to stop",
    "stops_taint = []",
    'stops_taint = ["x"]',
    `${TOOL}.stops_taint[0]`,
  ],
  ["a taint outcome allow", '"ask_user"', '"allow"', `${TOOL}.taint_outcome`],
  [
    "an accepted pattern with a blank",
    VETTING,
    'vetting_accept = ["P 1"]',
    `${TOOL}.vetting_accept[0]`,
  ],
];

const POINTER = `${TOOL}.args."/path"`;
export const ARG_ROWS: readonly RefusalRow[] = [
  ["a pointer without slash", ARGS, 'path = { under = ["/w"] }', `${TOOL}.args.path`],
  ["the empty pointer", ARGS, '"" = { under = ["/w"] }', `${TOOL}.args.""`],
  ["a pointer with a bad escape", ARGS, '"/a~2" = { under = ["/w"] }', `${TOOL}.args."/a~2"`],
  ["a constraint that is a list", ARGS, '"/path" = ["/w"]', POINTER],
  ["a constraint without predicate", ARGS, '"/path" = {}', POINTER],
  ["a relative folder", ARGS, '"/path" = { under = ["w"] }', `${POINTER}.under[0]`],
  ["a folder with ..", ARGS, '"/path" = { under = ["/w/../x"] }', `${POINTER}.under[0]`],
  ["a folder with .", ARGS, '"/path" = { under = ["/./x"] }', `${POINTER}.under[0]`],
  ["a folder with an empty part", ARGS, '"/path" = { under = ["/w//x"] }', `${POINTER}.under[0]`],
  ["a folder with a backslash", ARGS, '"/path" = { under = ["/w\\\\x"] }', `${POINTER}.under[0]`],
  ["no folder", ARGS, '"/path" = { under = [] }', `${POINTER}.under`],
  ["a host that is a url", ARGS, '"/path" = { host = ["https://h"] }', `${POINTER}.host[0]`],
  ["a host with a port", ARGS, '"/path" = { host = ["h:80"] }', `${POINTER}.host[0]`],
  ["a host that is an address", ARGS, '"/path" = { host = ["127.0.0.1"] }', `${POINTER}.host[0]`],
  ["a host that is a hex number", ARGS, '"/path" = { host = ["0x7f"] }', `${POINTER}.host[0]`],
  ["any host", ARGS, '"/path" = { host = ["*"] }', `${POINTER}.host[0]`],
  ["a star inside a host", ARGS, '"/path" = { host = ["a.*.b"] }', `${POINTER}.host[0]`],
  ["a scheme without host", ARGS, '"/path" = { scheme = "https" }', `${POINTER}.scheme`],
  ["another scheme", ARGS, '"/path" = { host = "h", scheme = "ftp" }', `${POINTER}.scheme[0]`],
  ["no scheme", ARGS, '"/path" = { host = "h", scheme = [] }', `${POINTER}.scheme`],
  ["no choice", ARGS, '"/path" = { one_of = [] }', `${POINTER}.one_of`],
  ["a choice that is a float", ARGS, '"/path" = { one_of = [1.5] }', `${POINTER}.one_of[0]`],
  ["a choice that is a date", ARGS, '"/path" = { one_of = [2026-01-01] }', `${POINTER}.one_of[0]`],
  ["a choice twice", ARGS, '"/path" = { one_of = [1, 1] }', `${POINTER}.one_of[1]`],
  ["a choice of 2^53", ARGS, '"/path" = { one_of = [9007199254740992] }', `${POINTER}.one_of[0]`],
  ["an empty prefix", ARGS, '"/path" = { prefix = "" }', `${POINTER}.prefix[0]`],
  ["a negative length", ARGS, '"/path" = { max_length = -1 }', `${POINTER}.max_length`],
  ["a length that is a float", ARGS, '"/path" = { max_length = 1.0 }', `${POINTER}.max_length`],
  ["an infinite minimum", ARGS, '"/path" = { min = -inf }', `${POINTER}.min`],
  ["a maximum that is no number", ARGS, '"/path" = { max = nan }', `${POINTER}.max`],
  ["a maximum beyond a double", ARGS, '"/path" = { max = 1e400 }', `${POINTER}.max`],
  ["a minimum above the maximum", ARGS, '"/path" = { min = 2, max = 1.5 }', `${POINTER}.min`],
  ["absent = false", ARGS, '"/path" = { absent = false }', `${POINTER}.absent`],
];

export const RULE_ROWS: readonly RefusalRow[] = [
  ["an empty rule id", RULE_ID, 'id = ""', "rules[0].id"],
  ["no condition", WHEN, "when = {}", "rules[0].when"],
  ["an empty condition list", WHEN, "when = { effect = [] }", "rules[0].when.effect"],
  ["an unknown effect", WHEN, 'when = { effect = ["wirte"] }', "rules[0].when.effect[0]"],
  ["an undefined server", WHEN, 'when = { server = ["files"] }', "rules[0].when.server[0]"],
  ["an undefined scope", WHEN, 'when = { scope = ["fs.reed"] }', "rules[0].when.scope[0]"],
  ["an undefined label", WHEN, 'when = { taint_all = ["x"] }', "rules[0].when.taint_all[0]"],
  ["an undefined label of any", WHEN, 'when = { taint_any = ["x"] }', "rules[0].when.taint_any[0]"],
  [
    "a principal with two stars",
    WHEN,
    'when = { principal = ["**"] }',
    "rules[0].when.principal[0]",
  ],
  ["an empty tool name", WHEN, 'when = { tool = [""] }', "rules[0].when.tool[0]"],
  ["a tool name with a line break", WHEN, 'when = { tool = ["a\\nb"] }', "rules[0].when.tool[0]"],
  [
    "vetting at least none",
    WHEN,
    'when = { vetting_at_least = "none" }',
    "rules[0].when.vetting_at_least",
  ],
  ["a flag as text", WHEN, 'when = { lease = "false" }', "rules[0].when.lease"],
  ["a flag as a number", WHEN, "when = { state_changing = 1 }", "rules[0].when.state_changing"],
  ["the outcome allow", 'then = "deny"', 'then = "allow"', "rules[0].then"],
  [
    "an undefined server of a principal",
    'servers = ["filesystem"]',
    'servers = ["files"]',
    'principals."agent:research-*".servers[0]',
  ],
  [
    "an undefined cap",
    '["fs.read", "net.fetch"]',
    '["net.fech"]',
    'principals."agent:research-*".scope[0]',
  ],
  [
    "a cap of undefined type",
    '["fs.read", "net.fetch"]',
    "true",
    'principals."agent:research-*".scope',
  ],
];
