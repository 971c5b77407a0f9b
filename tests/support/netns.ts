import { execFile, spawn } from "node:child_process";
import { promisify } from "node:util";

/** User of the proxies, as in Istio's images: what it sends is not captured again. */
export const PROXY_USER = 1337;
const ROUTE_TABLE = 133;

const run = promisify(execFile);

/** Whether namespaces and packet rules can be made here; installs Debian's packages when it may. Says why not on stderr; in CI that is an error. */
export async function canCapture(): Promise<boolean> {
  try {
    if (process.getuid?.() !== 0) throw new Error("it needs root");
    const missing = async (command: string, ...args: string[]) =>
      run(command, args).then(
        () => false,
        () => true,
      );
    if ((await missing("iptables", "--version")) || (await missing("ip", "-V"))) {
      await run("apt-get", ["update"], { timeout: 120_000 });
      await run("apt-get", ["install", "-y", "--no-install-recommends", "iptables", "iproute2"], { timeout: 240_000 });
    }
    await run("unshare", ["-n", "iptables", "-t", "mangle", "-L"]);
    return true;
  } catch (error) {
    const message = `interception cannot be tested: ${(error as Error).message}`;
    if (process.env.CI) throw new Error(message, { cause: error });
    console.error(`skipped: ${message}`);
    return false;
  }
}

export interface Namespace {
  readonly name: string;
  readonly address: string;
  /** Words before a command that make it run here, as root. */
  readonly within: readonly string[];
  /** The same as {@link PROXY_USER}, which may bind foreign addresses. */
  readonly asProxy: readonly string[];
  /** Runs a program of Node here until it ends; gives what it printed. */
  node(script: string, as?: "proxy"): Promise<string>;
  /** Starts a program of Node that prints a line when it serves. Ended with the network. */
  serve(script: string): Promise<void>;
}

/** Two namespaces with a cable between them: 10.99.0.2 and 10.99.0.3. Whoever makes it disposes of it. */
export async function startNetwork(): Promise<
  AsyncDisposable & { readonly client: Namespace; readonly server: Namespace }
> {
  await using stack = new AsyncDisposableStack();
  const programs = new AsyncDisposableStack();
  const make = async (side: "a" | "b", address: string): Promise<Namespace> => {
    const name = `fairlead-${process.pid}-${side}`;
    await run("ip", ["netns", "add", name]);
    stack.defer(async () => void (await run("ip", ["netns", "del", name])));
    const within = ["ip", "netns", "exec", name];
    const asProxy = [
      ...within,
      ..."setpriv --clear-groups --inh-caps +net_admin --ambient-caps +net_admin".split(" "),
      `--reuid=${PROXY_USER}`,
      `--regid=${PROXY_USER}`,
    ];
    return {
      name,
      address,
      within,
      asProxy,
      async node(script, as) {
        const [command = "", ...words] = as ? asProxy : within;
        return (await run(command, [...words, process.execPath, "-e", script], { timeout: 20_000 })).stdout.trim();
      },
      async serve(script) {
        const [command = "", ...words] = within;
        const child = spawn(command, [...words, process.execPath, "-e", script], {
          stdio: ["ignore", "pipe", "inherit"],
        });
        const ended = new Promise((resolve) => child.once("exit", resolve));
        programs.defer(async () => {
          child.kill("SIGKILL");
          await ended;
        });
        await Promise.race([
          new Promise((resolve) => child.stdout.once("data", resolve)),
          ended.then(() => Promise.reject(new Error(`a program in ${name} has ended`))),
        ]);
      },
    };
  };
  const client = await make("a", "10.99.0.2");
  const server = await make("b", "10.99.0.3");
  const cable = ["type", "veth", "peer", "name", "eth0", "netns", server.name];
  await run("ip", ["link", "add", "eth0", "netns", client.name, ...cable]);
  for (const [one, peer] of [
    [client, server],
    [server, client],
  ] as const) {
    const ip = (line: string) => run("ip", ["-n", one.name, ...line.split(" ")]);
    await ip(`addr add ${one.address}/24 dev eth0`);
    await ip("link set eth0 up");
    await ip("link set lo up");
    await ip(`route add default via ${peer.address}`);
  }
  const kept = stack.move();
  // First of all, so that programs end before their namespaces.
  kept.use(programs);
  return { client, server, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** What Istio's own set-up of a Pod does, in the few rules that these tests need. */
const RULES = {
  outbound: [
    "iptables -t nat -A OUTPUT -p tcp -m owner --uid-owner 1337 -j RETURN",
    "iptables -t nat -A OUTPUT -p tcp -o lo -j RETURN",
    "iptables -t nat -A OUTPUT -p tcp -j REDIRECT --to-ports 15001",
  ],
  REDIRECT: ["iptables -t nat -A PREROUTING -p tcp -j REDIRECT --to-ports 15006"],
  TPROXY: [
    `ip rule add fwmark 1337 lookup ${ROUTE_TABLE}`,
    `ip route add local default dev lo table ${ROUTE_TABLE}`,
    "iptables -t mangle -A PREROUTING -p tcp -m mark --mark 1337 -j CONNMARK --save-mark",
    "iptables -t mangle -A PREROUTING -p tcp -m mark --mark 1337 -j RETURN",
    "iptables -t mangle -A PREROUTING -p tcp -i lo -j RETURN",
    "iptables -t mangle -A PREROUTING -p tcp -m conntrack --ctstate RELATED,ESTABLISHED -j MARK --set-mark 1337",
    "iptables -t mangle -A PREROUTING -p tcp -m mark --mark 1337 -j ACCEPT",
    "iptables -t mangle -A PREROUTING -p tcp -j TPROXY --tproxy-mark 1337/0xffffffff --on-port 15006",
    "iptables -t mangle -A OUTPUT -p tcp -m connmark --mark 1337 -j CONNMARK --restore-mark",
  ],
} as const;

/** From now on all TCP in and out of the namespace goes through the proxy there. */
export async function capture({ within }: Namespace, mode: "REDIRECT" | "TPROXY"): Promise<void> {
  const [command = "", ...words] = within;
  for (const rule of [...RULES.outbound, ...RULES[mode]]) await run(command, [...words, ...rule.split(" ")]);
}
