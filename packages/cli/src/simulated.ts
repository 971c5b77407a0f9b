import { SimulatorError } from "@fairlead/simulator";
import { CliError } from "./cli-error.ts";

/** What the simulator refuses is a wrong call: an unknown workload or host, a request or a resource that cannot be read. */
export function asUsage<T>(simulate: () => T): T {
  try {
    return simulate();
  } catch (error) {
    if (error instanceof SimulatorError) throw new CliError("usage", error.message, { cause: error });
    throw error;
  }
}
