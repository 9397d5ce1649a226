// A Worker whose bundler knows no condition `workerd`: it imports the kernel and hands it over.
import { canonicalize, prepareKernel } from "portcullis";
import module from "portcullis/kernel.wasm";
import { conformance } from "./conformance.js";
import vectors from "./vectors.json";

export default {
  async fetch(request) {
    if (new URL(request.url).pathname === "/without") {
      try {
        return Response.json({ value: canonicalize("{}") });
      } catch ({ code, message }) {
        return Response.json({ code, message });
      }
    }
    prepareKernel({ module });
    return Response.json(await conformance(vectors));
  },
};
