import { kubeBinary } from "./kube.ts";

/** Builds the Kubernetes API server that `test:real` runs, where the cache does not have it yet. */
console.log(await kubeBinary());
