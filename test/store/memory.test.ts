// The store in memory.
import { createMemoryStore } from "../../src/store/memory.ts";
import { describeStateStore } from "./conformance.ts";

describeStateStore({
  name: "memory",
  isShared: false,
  create: async () => ({ store: createMemoryStore() }),
});
