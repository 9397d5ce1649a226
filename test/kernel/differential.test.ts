// The release kernel against the oracle. `SLOW=1` runs ten times as many cases.
import { describeDifferential } from "./differential-suite.ts";

describeDifferential("release", process.env["SLOW"] === "1" ? 1_000_000 : 100_000);
