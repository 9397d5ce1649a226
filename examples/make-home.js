// What an operator does with five commands, for the examples: a key, a trust root, a catalog that pins
// what a server offers, a signature.
//
// node examples/make-home.js HOME SERVER -- CMD ARGS...
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../build/esm/bin/main.js", import.meta.url));
const LIFETIME_DAYS = 60;

function portcullis(...args) {
  const { status, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: "utf8" });
  if (status !== 0) throw new Error(`portcullis ${args.join(" ")}: ${stderr}`);
}

function instant(ms) {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

const [home, server, mark, ...command] = process.argv.slice(2);
if (home === undefined || server === undefined || mark !== "--" || command.length === 0) {
  process.stderr.write("node examples/make-home.js HOME SERVER -- CMD ARGS...\n");
  process.exit(2);
}
const key = `${home}.key.pem`;
const nowMs = Date.now();
portcullis("key", "new", "--out", key);
portcullis("root", "init", "--key", key, "--dir", home);
writeFileSync(
  join(home, "catalog.toml"),
  `schema = 1
id = "examples"
version = 1
issued = ${instant(nowMs - 60_000)}
expires = ${instant(nowMs + LIFETIME_DAYS * 86_400_000)}

[servers.${server}]
command = ${JSON.stringify(command)}
allow = ["tools"]
max_allowed_scope = ["fs.read", "fs.write", "fs.delete", "net.fetch", "msg.send"]
`,
);
// scopes and effects are proposed from words; a real operator reviews them before signing
portcullis("pin", server, "--dir", home);
portcullis("sign", "--key", key, "--dir", home);
process.stdout.write(`${home}: ${server} is pinned and signed\n`);
