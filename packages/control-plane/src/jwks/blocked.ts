import { BlockList, isIP } from "node:net";
import { ControlPlaneError } from "../control-plane-error.ts";

/** Where no key server is: link-local addresses, with them most metadata services of clouds, and those that lie elsewhere. */
const NEVER = [
  "169.254.0.0/16",
  "fe80::/10",
  "fd00:ec2::254/128",
  "100.100.100.200/32",
  "192.0.0.192/32",
  "168.63.129.16/32",
];

/** Whether an address must not be asked: those that never are key servers, and `cidrs`. Throws for what is no CIDR. */
export function blockedAddresses(cidrs: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const cidr of [...NEVER, ...cidrs]) {
    const [, address = "", prefix = ""] = /^(.+)\/(\d{1,3})$/.exec(cidr) ?? [];
    const family = isIP(address);
    if (family === 0 || Number(prefix) > (family === 4 ? 32 : 128))
      throw new ControlPlaneError("option-invalid", `${JSON.stringify(cidr)} is not a CIDR range`);
    list.addSubnet(address, Number(prefix), family === 4 ? "ipv4" : "ipv6");
  }
  return (address) => list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}
