import { flag, type Infer, list, map, message, text, uint32 } from "../../schema/message.ts";

export const stringMatch = message(
  {
    exact: text(),
    prefix: text(),
    regex: text(),
  },
  ["exact", "prefix", "regex"],
);
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
export type HttpMatch = Infer<typeof httpMatch>;
