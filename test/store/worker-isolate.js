// A Worker in an isolate of its own: uses the invocations of the one lease of an object until none is
// left, and says which it got.
import { openDurableObjectStore } from "../../build/esm/store/durable-object.js";

export default {
  async fetch(request, env) {
    const name = new URL(request.url).pathname.slice(1);
    const store = openDurableObjectStore(env.STORE.get(env.STORE.idFromName(name)));
    const [{ id }] = await store.listLeases();
    const taken = [];
    for (;;) {
      const { remaining } = await store.getLease(id);
      if (remaining === 0) return Response.json(taken);
      if (await store.consumeLease(id, remaining)) taken.push(remaining);
    }
  },
};
