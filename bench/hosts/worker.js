// A Worker: answers each path, `/check/2` for `check 2`.
import vectors from "./vectors.json";
import { makeWorkload } from "./workload.js";

let workload;

export default {
  async fetch(request) {
    workload ??= makeWorkload(vectors);
    const answer = await workload;
    return Response.json(answer(new URL(request.url).pathname.slice(1).replace("/", " ")));
  },
};
