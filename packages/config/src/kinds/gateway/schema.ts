// Fields of istio/api networking/v1alpha3. Limits as in the CRD.
import { type Infer, list, map, message, required, text, uint32 } from "../../schema/message.ts";
import { serverTls } from "./server-tls.ts";

export const gatewayPort = message({
  number: required(uint32()),
  protocol: required(text()),
  name: required(text()),
  /** @deprecated */
  targetPort: uint32(),
});
/** Number, protocol and a name that is unique in the gateway. */
export type GatewayPort = Infer<typeof gatewayPort>;

export const gatewayServer = message({
  port: required(gatewayPort),
  bind: text(),
  hosts: required(list(text())),
  tls: serverTls,
  defaultEndpoint: text(),
  name: text(),
});
/** One port with its hosts (`namespace/host`) and TLS. */
export type GatewayServer = Infer<typeof gatewayServer>;

export const gateway = message({
  servers: list(gatewayServer),
  selector: map(text()),
});
/** Ports that gateway proxies (chosen by `selector`) open, and for which hosts. VirtualServices bind to it. */
export type Gateway = Infer<typeof gateway>;
