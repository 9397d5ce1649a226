// Node, Deno and Bun: answers each line with a line.
import process from "node:process";
import { createInterface } from "node:readline";
import vectors from "./vectors.json" with { type: "json" };
import { makeWorkload } from "./workload.js";

const answer = await makeWorkload(vectors);
for await (const line of createInterface({ input: process.stdin })) console.log(answer(line));
