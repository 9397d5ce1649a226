// A Worker under the import condition `workerd`: the kernel is a module of the bundle.
import { conformance } from "./conformance.js";
import vectors from "./vectors.json";

export default {
  async fetch() {
    return Response.json(await conformance(vectors));
  },
};
