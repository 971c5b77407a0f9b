import { expect, test } from "vitest";
import { behaviour, calls, pairs } from "./behaviour.ts";
import { hasConformanceData } from "./conformance-data.ts";

/**
 * For every mesh of the corpus: requests made from the routes, listeners and policies of both sides fare the same on what
 * the real istiod sends as on what we send. It holds the translation to what it does, and the simulator to resources that
 * it has not made itself.
 */
test.skipIf(!hasConformanceData())("requests fare as with istiod's resources", { timeout: 60_000 }, () => {
  const different = new Map<string, string>();
  const excepted = new Map<string, number>();
  let asked = 0;
  for (const pair of pairs())
    for (const call of calls(pair)) {
      asked++;
      const [theirs, ours] = [behaviour(pair.istiod, call), behaviour(pair.ours, call)];
      if (JSON.stringify(theirs) === JSON.stringify(ours)) continue;
      const reason = exceptionOf(pair.id, call);
      if (reason !== undefined) excepted.set(reason, (excepted.get(reason) ?? 0) + 1);
      else different.set(pair.id, JSON.stringify({ call: call.connection, path: call.request?.path, theirs, ours }));
    }
  const lines = [...excepted].map(([reason, count]) => `${count} excepted: ${reason}`);
  console.log([`${asked} requests`, ...lines].join("\n"));
  expect(Object.fromEntries(different)).toEqual({});
  expect(asked).toBeGreaterThan(3000);
});

/** The known reasons, each bounded to the calls it explains. */
function exceptionOf(id: string, { entry, connection }: ReturnType<typeof calls>[number]): string | undefined {
  if (
    /^(bookinfo-|k8s-annotations|k8s-vm-and-pods)/.test(id) &&
    entry === "inbound" &&
    connection.destination.port === 9080
  )
    return "the recording's Services have no target ports, which an API server fills in: istiod makes no inbound chain of port 9080";
  if (id === "egress-gateway/gateway" && entry === "bound" && connection.destination.port === 80)
    return "istiod sends this gateway no listener at all, though it has a route for it";
  return undefined;
}
