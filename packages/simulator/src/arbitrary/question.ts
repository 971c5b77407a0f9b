import fc from "fast-check";
import type { Question } from "../evaluate.ts";
import { HEADER_NAMES, HEADER_VALUES, PATHS, QUERIES } from "./http-route.ts";
import { INGRESS, SERVICES, WORKLOADS } from "./mesh.ts";
import { oneOf } from "./pick.ts";

const headers = fc.dictionary(oneOf(...HEADER_NAMES), oneOf(...HEADER_VALUES), { maxKeys: 3 });
const paths = fc.tuple(oneOf(...PATHS), oneOf(...QUERIES)).map(([path, query]) => path + query);
const methods = oneOf("GET", "GET", "PUT", "POST", "DELETE");

/** HTTP requests from the workloads of a generated mesh to its services, and through its gateway; TCP connections and TLS. */
export function questions(): fc.Arbitrary<Question> {
  const http = (from: fc.Arbitrary<string>, hosts: fc.Arbitrary<string>) =>
    fc.record({ from, host: hosts, path: paths, method: methods, headers }).map(
      ({ from: caller, host, path, method, headers: all }): Question => ({
        from: caller,
        request: { url: `http://${host}${path}`, method, headers: all },
      }),
    );
  return fc.oneof(
    { weight: 6, arbitrary: http(oneOf(...WORKLOADS), oneOf("shop.default", "stock.default", "bank.other")) },
    { weight: 3, arbitrary: http(oneOf(INGRESS), oneOf("a.test", "b.test", "stock.default")) },
    {
      weight: 1,
      arbitrary: fc.record({ from: oneOf(...WORKLOADS), to: oneOf(...SERVICES) }).map(({ from, to }) => ({
        from,
        request: {
          url: to.includes("example") ? `tls://${to}:443` : `tcp://${to}${to.includes(".") ? "" : ".default"}:5000`,
        },
      })),
    },
  );
}
