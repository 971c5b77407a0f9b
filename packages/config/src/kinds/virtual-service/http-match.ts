// Fields of istio/api networking/v1alpha3. Limits as in the CRD.
import { flag, type Infer, list, map, message, text, uint32 } from "../../schema/message.ts";

export const stringMatch = message(
  {
    exact: text(),
    prefix: text(),
    regex: text(),
  },
  ["exact", "prefix", "regex"],
);
/** How a text is compared; `regex` is RE2 and must match the whole text. With nothing set, presence is enough. */
export type StringMatch = Infer<typeof stringMatch>;

export const httpMatch = message({
  name: text(),
  uri: stringMatch,
  scheme: stringMatch,
  method: stringMatch,
  authority: stringMatch,
  headers: map(stringMatch),
  port: uint32(),
  sourceLabels: map(text()),
  gateways: list(text()),
  queryParams: map(stringMatch),
  ignoreUriCase: flag(),
  withoutHeaders: map(stringMatch),
  sourceNamespace: text(),
  statPrefix: text(),
});
/** A condition on requests: all that is set must hold. `sourceLabels`, `sourceNamespace` and `gateways` choose proxies, not requests. */
export type HttpMatch = Infer<typeof httpMatch>;
