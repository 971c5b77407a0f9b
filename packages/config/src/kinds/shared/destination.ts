// Fields of istio/api type/v1beta1 and networking/v1alpha3. Limits as in the CRD.
import { type Infer, message, required, text, uint32 } from "../../schema/message.ts";

export const portSelector = message({
  number: uint32(),
});
/** A port by number. */
export type PortSelector = Infer<typeof portSelector>;

export const destination = message({
  host: required(text()),
  subset: text(),
  port: portSelector,
});
/** A host of the service registry (a short name means the namespace of the object), one of its subsets, a port. */
export type Destination = Infer<typeof destination>;
