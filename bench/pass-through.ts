// A proxy that does nothing: `node pass-through.js CMD ARGS...` copies bytes both ways.
import { spawn } from "node:child_process";
import process from "node:process";

const [command = "", ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
process.stdin.on("data", (chunk: Uint8Array) => child.stdin.write(chunk));
process.stdin.on("end", () => child.stdin.end());
child.stdout.on("data", (chunk: Uint8Array) => process.stdout.write(chunk));
child.on("exit", (code) => process.exit(code ?? 1));
