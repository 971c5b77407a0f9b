import { type Infer, list, map, message, required, text, uint32 } from "../../schema/message.ts";
import { serverTls } from "./server-tls.ts";

export const gatewayPort = message({
  number: required(uint32()),
  protocol: required(text()),
  name: required(text()),
  /** @deprecated */
  targetPort: uint32(),
});
export type GatewayPort = Infer<typeof gatewayPort>;

export const gatewayServer = message({
  port: required(gatewayPort),
  bind: text(),
  hosts: required(list(text())),
  tls: serverTls,
  defaultEndpoint: text(),
  name: text(),
});
export type GatewayServer = Infer<typeof gatewayServer>;

export const gateway = message({
  servers: list(gatewayServer),
  selector: map(text()),
});
export type Gateway = Infer<typeof gateway>;
