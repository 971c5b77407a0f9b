import { vaultBinary } from "./vault.ts";

/** Builds the Vault that `test:real` runs, where the cache does not have it yet. */
console.log(await vaultBinary());
