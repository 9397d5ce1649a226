// Imports the package given as argument and prints what the import did: nothing, if all is well.
import { pathToFileURL } from "node:url";

const seen = [];
const watch = (object, names) => {
  for (const name of names) {
    const original = object[name];
    if (typeof original !== "function") throw new Error(`expected a function ${name}`);
    object[name] = new Proxy(original, {
      apply(target, self, args) {
        seen.push(name);
        return Reflect.apply(target, self, args);
      },
      construct(target, args, caller) {
        seen.push(`new ${name}`);
        return Reflect.construct(target, args, caller);
      },
    });
  }
};
watch(WebAssembly, ["Module", "Instance", "Memory", "compile", "instantiate"]);
watch(globalThis, ["setTimeout", "setInterval", "setImmediate", "queueMicrotask", "fetch"]);
watch(Date, ["now"]);
watch(Math, ["random"]);
watch(Object.getPrototypeOf(performance), ["now"]);
watch(Object.getPrototypeOf(crypto), ["getRandomValues", "randomUUID"]);
watch(process, ["getBuiltinModule", "on"]);
// what the import leaves behind: globals, and members of the built-in prototypes
const prototypes = [Object, Array, String, Uint8Array, Map, Promise].map(
  ({ prototype }) => prototype,
);
const members = () =>
  [globalThis, ...prototypes].map((object) => Reflect.ownKeys(object).map(String));
const before = members();
await import(pathToFileURL(process.argv[2]));
members().forEach((list, index) => {
  seen.push(...list.filter((name) => !before[index].includes(name)).map((name) => `added ${name}`));
});
process.stdout.write(JSON.stringify(seen));
