import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as (options?: { readonly type: "minor" }) => void;

/** What is young and held is old afterwards, and what nobody holds of it is gone: what comes next pays for its own. */
export function age(): void {
  collectGarbage({ type: "minor" });
  collectGarbage({ type: "minor" });
}

/** Bytes in use, of the heap and of buffers, when all that nobody holds is gone. */
export function inUse(): number {
  collectGarbage();
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
