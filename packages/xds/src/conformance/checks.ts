import type { Update } from "../client/update.ts";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE } from "../resource-type.ts";
import { NotApplicable, type Talk, Violation } from "./talk.ts";

type Open = () => Talk;

/** One thing that the protocol asks of a server. */
export interface Check {
  /** Stable. */
  readonly name: string;
  /** Where the protocol says so: a section of Envoy's document `xds_protocol`. */
  readonly source: string;
  /** Default: both variants. */
  readonly modes?: readonly Talk["mode"][];
  /** Throws a {@link Violation}. */
  run(open: Open): Promise<void>;
}

const NOBODY = "a-name-that-nobody-has";

function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Violation(what);
}

async function all(talk: Talk, typeUrl: string): Promise<Update> {
  talk.subscribe(typeUrl);
  const update = await talk.expect(typeUrl, `a request for all of ${typeUrl}`);
  talk.answer(update);
  return update;
}

/** Names of clusters whose endpoints come by EDS. */
async function endpointNames(open: Open): Promise<readonly string[]> {
  using talk = open();
  const { resources } = await all(talk, CLUSTER_TYPE);
  return resources.flatMap(({ name, json }) => {
    const { type, edsClusterConfig } = json as {
      readonly type?: string;
      readonly edsClusterConfig?: { readonly serviceName?: string };
    };
    return type === "EDS" ? [edsClusterConfig?.serviceName || name] : [];
  });
}

/** Names of route configurations that listeners ask for. */
async function routeNames(open: Open): Promise<readonly string[]> {
  using talk = open();
  const { resources } = await all(talk, LISTENER_TYPE);
  const names = new Set<string>();
  const search = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    const { routeConfigName } = value as { readonly routeConfigName?: unknown };
    if (typeof routeConfigName === "string") names.add(routeConfigName);
    for (const inner of Object.values(value)) search(inner);
  };
  for (const { json } of resources) search(json);
  return [...names];
}

async function someEndpoints(open: Open, least: number): Promise<readonly string[]> {
  const names = await endpointNames(open);
  if (names.length < least) throw new NotApplicable(`it has fewer than ${least} clusters with endpoints by EDS`);
  return names;
}

/** What the protocol asks of every server. */
export const CHECKS: readonly Check[] = [
  {
    name: "wildcard",
    source: "How the client specifies what resources to return",
    async run(open) {
      using talk = open();
      const { nonce, version, resources } = await all(talk, CLUSTER_TYPE);
      must(nonce !== "", "the response has no nonce");
      if (talk.mode === "sotw") must(version !== "", "the response has no version_info");
      must(resources.length > 0, "there is no cluster: nothing can be checked");
      const names = resources.map(({ name }) => name);
      must(new Set(names).size === names.length, "a name is in the response twice");
      if (talk.mode === "delta")
        must(
          resources.every((resource) => resource.version !== ""),
          "a resource has no version",
        );
    },
  },
  {
    name: "explicit-wildcard",
    source: "How the client specifies what resources to return",
    async run(open) {
      using implicit = open();
      const first = await all(implicit, CLUSTER_TYPE);
      using explicit = open();
      explicit.subscribe(CLUSTER_TYPE, ["*"]);
      const second = await explicit.expect(CLUSTER_TYPE, "a request for *");
      const names = ({ resources }: Update) => resources.map(({ name }) => name).sort();
      must(names(first).join() === names(second).join(), "* brings other resources than no name");
    },
  },
  {
    name: "acknowledgement",
    source: "ACK and NACK semantics summary",
    async run(open) {
      using talk = open();
      await all(talk, CLUSTER_TYPE);
      must((await talk.within(CLUSTER_TYPE)) === undefined, "an ACK is answered, though nothing is new");
    },
  },
  {
    name: "rejection",
    source: "ACK and NACK semantics summary",
    async run(open) {
      using talk = open();
      talk.subscribe(CLUSTER_TYPE);
      const first = await talk.expect(CLUSTER_TYPE, "a request for all clusters");
      talk.answer(first, "it is refused to see what happens", "");
      const again = await talk.within(CLUSTER_TYPE);
      const came = new Set(again?.resources.map(({ name, version }) => `${name} ${version}`));
      // Parts of it may be, by a server that looks for the one at fault.
      must(
        again === undefined || first.resources.some(({ name, version }) => !came.has(`${name} ${version}`)),
        "what was refused is sent again, the same",
      );
    },
  },
  {
    name: "stale-nonce",
    source: "Resource updates",
    modes: ["sotw"],
    async run(open) {
      using talk = open();
      const first = await all(talk, CLUSTER_TYPE);
      talk.answer({ ...first, nonce: "of-no-response" });
      must((await talk.within(CLUSTER_TYPE)) === undefined, "a request whose nonce is of no response is answered");
    },
  },
  {
    name: "by-name",
    source: "How the client specifies what resources to return",
    async run(open) {
      const [name = "", other = ""] = await someEndpoints(open, 2);
      using talk = open();
      talk.subscribe(ENDPOINT_TYPE, [name]);
      const first = await talk.expect(ENDPOINT_TYPE, "a request for one name");
      must(first.resources.map((one) => one.name).join() === name, "one name brings other resources than that");
      talk.answer(first);
      if (talk.mode === "delta") talk.subscribe(ENDPOINT_TYPE, [other]);
      else talk.subscribe(ENDPOINT_TYPE, [other], { responseNonce: first.nonce, versionInfo: first.version });
      const second = await talk.expect(ENDPOINT_TYPE, "a further name");
      must(
        second.resources.some((one) => one.name === other),
        "a further name brings no resource of that name",
      );
    },
  },
  {
    name: "asked-again",
    source: "Incremental xDS, Subscribing to resources",
    modes: ["delta"],
    async run(open) {
      const [name = ""] = await someEndpoints(open, 1);
      using talk = open();
      talk.subscribe(ENDPOINT_TYPE, [name]);
      talk.answer(await talk.expect(ENDPOINT_TYPE, "a request for one name"));
      talk.subscribe(ENDPOINT_TYPE, [name]);
      const again = await talk.expect(ENDPOINT_TYPE, "a name that is asked for again");
      must(
        again.resources.some((one) => one.name === name),
        "a name that is asked for again is not sent again",
      );
    },
  },
  {
    name: "unknown-name",
    source: "Incremental xDS, Knowing when a requested resource does not exist",
    modes: ["delta"],
    async run(open) {
      using talk = open();
      talk.subscribe(ENDPOINT_TYPE, [NOBODY]);
      const { resources, removed } = await talk.expect(ENDPOINT_TYPE, "a name that does not exist");
      must(
        removed.includes(NOBODY) || resources.some(({ name }) => name === NOBODY),
        "the answer to a name that does not exist does not speak of it",
      );
    },
  },
  {
    name: "known-versions",
    source: "Incremental xDS, initial_resource_versions",
    modes: ["delta"],
    async run(open) {
      using first = open();
      const { resources } = await all(first, CLUSTER_TYPE);
      const initialResourceVersions = Object.fromEntries(resources.map(({ name, version }) => [name, version]));
      using again = open();
      again.subscribe(CLUSTER_TYPE, [], {
        initialResourceVersions: { ...initialResourceVersions, [NOBODY]: "1" },
      });
      const update = await again.expect(CLUSTER_TYPE, "a reconnect with versions");
      must(update.removed.includes(NOBODY), "a resource that is gone since is not told as removed");
      const known = update.resources.filter(({ name, version }) => initialResourceVersions[name] === version);
      must(known.length === 0, `${known.length} resources are sent again in the version that the client has`);
    },
  },
  {
    name: "one-request-each",
    source: "Aggregated Discovery Service",
    async run(open) {
      const names = await someEndpoints(open, 1);
      using talk = open();
      talk.subscribe(CLUSTER_TYPE);
      talk.subscribe(ENDPOINT_TYPE, names);
      const clusters = await talk.expect(CLUSTER_TYPE, "clusters beside endpoints");
      const endpoints = await talk.expect(ENDPOINT_TYPE, "endpoints beside clusters");
      must(clusters.nonce !== endpoints.nonce, "two types share a nonce");
      must(
        talk.order.indexOf(CLUSTER_TYPE) < talk.order.indexOf(ENDPOINT_TYPE),
        "endpoints come before the clusters that they are of",
      );
    },
  },
  {
    name: "listeners-before-routes",
    source: "Eventual consistency considerations",
    async run(open) {
      const names = await routeNames(open);
      if (names.length === 0) throw new NotApplicable("no listener asks for routes");
      using talk = open();
      talk.subscribe(LISTENER_TYPE);
      talk.subscribe(ROUTE_TYPE, names);
      await talk.expect(LISTENER_TYPE, "listeners beside routes");
      await talk.expect(ROUTE_TYPE, "routes beside listeners");
      must(
        talk.order.indexOf(LISTENER_TYPE) < talk.order.indexOf(ROUTE_TYPE),
        "routes come before the listeners that refer to them",
      );
    },
  },
  {
    name: "no-type",
    source: "Aggregated Discovery Service",
    async run(open) {
      using talk = open();
      talk.send({});
      must((await talk.ended()) !== undefined, "a request without a type is not refused");
    },
  },
];
