import { type ConfigObject, isKind } from "@fairlead/config";
import { type Collection, structurallyEqual } from "@fairlead/model";
import { isAllocated, isAllocatedHost, statusAddresses } from "./allocation.ts";

/** 240.240.0.0/16 without addresses that end in 0 or 255; each has one of 2001:2::f0f0:0/112 beside it. */
const OCTETS = 254;
const SLOTS = 256 * OCTETS;

type HostAddresses = ReadonlyMap<string, readonly string[]>;

/**
 * Allocates virtual addresses (of 240.240.0.0/16 and 2001:2::/48, which lead nowhere) to the hosts of ServiceEntries that
 * have none, for proxies that answer DNS themselves. A host's address follows from its name; where two names fall together,
 * the older entry keeps it. Equal entries give equal addresses on every replica. What `status.addresses` and
 * `spec.addresses` hold is taken. Source: Istio, `serviceentry.autoAllocateIPs` and its `ipallocate` controller.
 */
export class AddressPool {
  readonly #config: Collection<ConfigObject>;
  #allocated: ReadonlyMap<string, HostAddresses> = new Map();

  constructor(config: Collection<ConfigObject>) {
    this.#config = config;
  }

  /** The addresses of an entry's hosts, by its key in the configuration. */
  of(key: string): HostAddresses {
    return this.#allocated.get(key) ?? NONE;
  }

  /** Allocates anew; gives the keys of entries whose addresses changed. */
  update(): readonly string[] {
    const before = this.#allocated;
    const next = this.#allocate();
    this.#allocated = next;
    return [...new Set([...before.keys(), ...next.keys()])].filter(
      (key) => !structurallyEqual([...(before.get(key) ?? NONE)], [...(next.get(key) ?? NONE)]),
    );
  }

  #allocate(): ReadonlyMap<string, HostAddresses> {
    const entries = [...this.#config.keys()].flatMap((key) => {
      const entry = this.#config.get(key);
      return entry && isKind(entry, "ServiceEntry") ? [{ key, entry }] : [];
    });
    entries.sort((a, b) => compareAge(a.entry, b.entry));
    const taken = new Set<number>();
    for (const { entry } of entries)
      for (const address of [...(entry.spec.addresses ?? []), ...[...statusAddresses(entry).values()].flat()]) {
        const slot = slotOf(address);
        if (slot !== undefined) taken.add(slot);
      }
    const byName = new Map<string, readonly string[]>();
    const allocated = new Map<string, HostAddresses>();
    for (const { key, entry } of entries) {
      if (!isAllocated(entry)) continue;
      const given = statusAddresses(entry);
      const hosts = new Map<string, readonly string[]>();
      for (const host of entry.spec.hosts) {
        if (given.has(host) || !isAllocatedHost(entry, host)) continue;
        const name = `${entry.metadata.namespace}/${host}`;
        const addresses = byName.get(name) ?? addressesOf(freeSlot(name, taken));
        byName.set(name, addresses);
        if (addresses.length > 0) hosts.set(host, addresses);
      }
      if (hosts.size > 0) allocated.set(key, hosts);
    }
    return allocated;
  }
}

const NONE: HostAddresses = new Map();

/** Oldest first, then by namespace and name; what has no creation time comes first. */
function compareAge({ metadata: a }: ConfigObject, { metadata: b }: ConfigObject): number {
  const order = (entry: ConfigObject["metadata"]) =>
    [entry.creationTimestamp ?? "", entry.namespace, entry.name].join("\u0000");
  const [left, right] = [order(a), order(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Marks the slot that follows from the name, or the next free one, as taken; undefined when there is none. */
function freeSlot(name: string, taken: Set<number>): number | undefined {
  if (taken.size >= SLOTS) return undefined;
  let slot = hash(name) % SLOTS;
  while (taken.has(slot)) slot = (slot + 1) % SLOTS;
  taken.add(slot);
  return slot;
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, 0x01000193);
  return value >>> 0;
}

function addressesOf(slot: number | undefined): readonly string[] {
  if (slot === undefined) return [];
  const [third, fourth] = [Math.floor(slot / OCTETS), (slot % OCTETS) + 1];
  return [`240.240.${third}.${fourth}`, `2001:2::f0f0:${(third * 256 + fourth).toString(16)}`];
}

function slotOf(address: string): number | undefined {
  const four = /^240\.240\.(\d+)\.(\d+)(?:\/32)?$/.exec(address);
  if (four) return Number(four[1]) * OCTETS + Number(four[2]) - 1;
  const six = /^2001:2::f0f0:([0-9a-f]{1,4})(?:\/128)?$/i.exec(address);
  if (!six) return undefined;
  const number = Number.parseInt(six[1] ?? "0", 16);
  return (number >> 8) * OCTETS + (number & 255) - 1;
}
