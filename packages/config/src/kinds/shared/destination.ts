import { type Infer, message, required, text, uint32 } from "../../schema/message.ts";

export const portSelector = message({
  number: uint32(),
});
export type PortSelector = Infer<typeof portSelector>;

export const destination = message({
  host: required(text()),
  subset: text(),
  port: portSelector,
});
export type Destination = Infer<typeof destination>;
