// Serves a worker in workerd, asks it once, prints what it said: `node ask-worker.js FOLDER WORKERD`.
import { askWorker } from "../portable/host-workerd.js";

const [folder, program] = process.argv.slice(2);
const conditions = ["workerd", "worker", "browser"];
const [answer] = await askWorker({ program, folder, entry: "worker", conditions, paths: ["/"] });
console.log(answer);
