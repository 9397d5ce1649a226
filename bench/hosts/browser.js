// A page: the driver calls `ask`.
import { makeWorkload } from "./workload.js";

let workload;

globalThis.ask = async (line) => {
  workload ??= fetch("/vectors.json").then(async (response) => makeWorkload(await response.json()));
  const answer = await workload;
  return JSON.stringify(answer(line));
};
