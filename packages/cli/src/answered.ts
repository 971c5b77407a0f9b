import { CaError } from "@fairlead/ca";
import { IdentityError } from "@fairlead/model";
import { CliError } from "./cli-error.ts";

/** What a user can cause at an authority becomes a message without a stack. */
export async function answered<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof CaError || error instanceof IdentityError)
      throw new CliError("unreadable", error.message, { cause: error });
    throw error;
  }
}
