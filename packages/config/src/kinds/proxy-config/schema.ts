// Fields of istio/api networking/v1beta1. Limits as in the CRD.
import { type Infer, int32, map, message, nullable, text } from "../../schema/message.ts";
import { workloadSelector } from "../shared/selector.ts";

export const proxyImage = message({
  imageType: text(),
});
export type ProxyImage = Infer<typeof proxyImage>;

export const proxyConfig = message({
  selector: workloadSelector,
  concurrency: nullable(int32({ min: 0 })),
  environmentVariables: map(text({ max: 2048 })),
  image: proxyImage,
});
/** Settings of the proxies themselves, for chosen workloads or a namespace. */
export type ProxyConfig = Infer<typeof proxyConfig>;
