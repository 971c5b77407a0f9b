import { envoyBinary } from "./envoy-binary.ts";

/** Before the tests that need it: Envoy is there, and its fetching is seen. */
export default async function setup(): Promise<void> {
  await envoyBinary();
}
