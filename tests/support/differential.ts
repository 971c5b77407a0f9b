import { textStore } from "@fairlead/config";
import { createControlPlane } from "@fairlead/control-plane";
import { type ProxyNode, parseNode } from "@fairlead/model";
import { type Asked, type Case, gatewayOf, type KubernetesObject, PORT } from "./differential-arbitrary.ts";
import { closeClients, observe, startBackend } from "./differential-observed.ts";
import { disagreement, proxyOf } from "./differential-predicted.ts";
import { startEnvoy } from "./envoy-process.ts";

const NET = "127.0.63";
const ADDRESSES = { sidecar: `${NET}.3`, gateway: `${NET}.4` } as const;
const BACKEND_PORT = 29_090;

/** Services with their backends by the last part of the address. */
const SERVICES: Readonly<Record<string, readonly (readonly [number, string])[]>> = {
  "a.test": [
    [10, "v1"],
    [11, "v2"],
  ],
  "b.test": [
    [12, "v1"],
    [13, "v2"],
  ],
  "c.sub.test": [[14, "v1"]],
  "marker.example": [[15, "v1"]],
};

/** A sidecar and a gateway, real Envoys driven by the control plane, and backends behind them. */
export interface Bed extends AsyncDisposable {
  /** Serves the routing of a case, and when both Envoys go by it sends its requests. Gives what the simulator says otherwise. */
  run(made: Case): Promise<readonly object[]>;
}

function document({ kind, name, spec }: KubernetesObject): string {
  const group = /^(Authorization|RequestAuthentication)/.test(kind) ? "security" : "networking";
  return JSON.stringify({ apiVersion: `${group}.istio.io/v1`, kind, metadata: { name }, spec });
}

function services(): readonly KubernetesObject[] {
  const ports = [{ number: PORT, name: "http", protocol: "HTTP", targetPort: BACKEND_PORT }];
  return Object.entries(SERVICES).map(([host, backends]) => ({
    kind: "ServiceEntry",
    name: host.replaceAll(".", "-"),
    spec: {
      hosts: [host],
      ports,
      location: "MESH_EXTERNAL",
      resolution: "STATIC",
      endpoints: backends.map(([number, version]) => ({ address: `${NET}.${number}`, labels: { version } })),
    },
  }));
}

const SIDECAR: KubernetesObject = {
  kind: "Sidecar",
  name: "default",
  spec: {
    outboundTrafficPolicy: { mode: "REGISTRY_ONLY" },
    egress: [
      {
        port: { number: PORT, name: "http", protocol: "HTTP" },
        bind: ADDRESSES.sidecar,
        captureMode: "NONE",
        hosts: ["*/*"],
      },
    ],
  },
};

/** A route that tells which case an Envoy goes by. */
function marker(generation: number): KubernetesObject {
  const directResponse = { status: 200, body: { string: String(generation) } };
  return {
    kind: "VirtualService",
    name: "marker",
    spec: { hosts: ["marker.example"], gateways: ["mesh", "gate"], http: [{ directResponse }] },
  };
}

/** A policy that tells which case the gateway's listener is of: connections stay with the listener that took them. */
function markerPolicy(generation: number): KubernetesObject {
  const operation = { hosts: ["marker.example*"], paths: [`/generation-${generation}`] };
  const spec = { selector: { matchLabels: { app: "gate" } }, action: "DENY", rules: [{ to: [{ operation }] }] };
  return { kind: "AuthorizationPolicy", name: "marker", spec };
}

/** The Gateway listens on the address of this test. */
function bound(object: KubernetesObject): KubernetesObject {
  if (object.kind !== "Gateway") return object;
  const spec = object.spec as { servers: readonly object[] };
  return { ...object, spec: { ...spec, servers: spec.servers.map((one) => ({ ...one, bind: ADDRESSES.gateway })) } };
}

export async function startBed(): Promise<Bed> {
  await using stack = new AsyncDisposableStack();
  stack.defer(closeClients);
  for (const [number] of Object.values(SERVICES).flat())
    stack.use(await startBackend(`${NET}.${number}`, BACKEND_PORT));
  const texts = (made: readonly KubernetesObject[], generation: number) => {
    const all = [...services(), SIDECAR, marker(generation), markerPolicy(generation), ...made.map(bound)];
    return Object.fromEntries(all.map((object) => [`${object.kind}-${object.name}.yaml`, document(object)]));
  };
  const store = textStore(texts([gatewayOf(["*"])], 0));
  const plane = stack.use(await createControlPlane({ config: store, server: { timing: { drain: 0 } } }));
  const { ads } = await plane.listen({ ads: `${NET}.1:0` });
  for (const [type, address, app] of [
    ["sidecar", ADDRESSES.sidecar, "client"],
    ["router", ADDRESSES.gateway, "gate"],
  ] as const) {
    const envoy = await startEnvoy({
      node: {
        id: `${type}~${address}~${app}.default~default.svc.cluster.local`,
        metadata: { NAMESPACE: "default", INTERCEPTION_MODE: "NONE", LABELS: { app } },
      },
      ads,
      adsSecurity: "plaintext",
      admin: `${address}:15000`,
    });
    stack.use(envoy);
    await envoy.ready();
  }
  await plane.converged();
  const nacks: string[] = [];
  plane.on("nack", ({ message }) => void nacks.push(message));
  const nodeAt = (address: string): ProxyNode => {
    const connected = plane.proxies().map(({ node }) => parseNode(node).node);
    const found = connected.find((node) => node?.ipAddresses.includes(address));
    if (!found) throw new Error(`no proxy at ${address} is connected`);
    return found;
  };
  let generation = 0;
  let present = Object.keys(texts([gatewayOf(["*"])], 0));
  const goesBy = async (address: string) => {
    const asked: Asked = {
      through: "sidecar",
      method: "GET",
      host: "marker.example",
      path: `/generation-${generation}`,
      headers: {},
    };
    // The sidecar's routes answer, the gateway's listener denies.
    const wanted = address === ADDRESSES.gateway ? "RBAC: access denied" : String(generation);
    for (const end = Date.now() + 10_000; ; await new Promise((resolve) => setTimeout(resolve, 5))) {
      closeClients();
      const { body } = await observe(address, PORT, asked).catch((error: Error) => ({ body: error.message }));
      const routes = await observe(address, PORT, { ...asked, path: "/" }).catch(() => ({ body: "" }));
      if (body === wanted && routes.body === String(generation)) return;
      if (Date.now() > end) throw new Error(`${address} goes by ${body} instead of ${generation}; ${nacks.join("; ")}`);
    }
  };
  const kept = stack.move();
  return {
    async run({ objects, requests }) {
      const next = texts(objects, ++generation);
      const removed = present.filter((file) => !(file in next));
      store.set({ ...Object.fromEntries(removed.map((file) => [file, undefined])), ...next });
      present = Object.keys(next);
      await plane.converged();
      const proxies = {
        sidecar: proxyOf(plane.mesh, nodeAt(ADDRESSES.sidecar), ADDRESSES.sidecar, PORT),
        gateway: proxyOf(plane.mesh, nodeAt(ADDRESSES.gateway), ADDRESSES.gateway, PORT),
      };
      for (const address of Object.values(ADDRESSES)) await goesBy(address);
      const found = await Promise.all(
        requests.map(async (asked) => {
          const { address, port } = proxies[asked.through];
          return disagreement(proxies[asked.through], asked, await observe(address, port, asked));
        }),
      );
      return found.filter((one) => one !== undefined);
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}
