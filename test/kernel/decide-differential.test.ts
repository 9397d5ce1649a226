import { describeDecide } from "./decide-suite.ts";

// 95-testing section 1: at least 100 000 cases a run, more with SLOW=1
describeDecide("release", process.env["SLOW"] === "1" ? 2_000_000 : 100_000);
