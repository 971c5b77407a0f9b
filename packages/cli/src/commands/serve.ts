import { auditFile, domainBundle, fileKeyManager, initAuthority, jwtAuthority } from "@fairlead/ca";
import { clientCertificate } from "@fairlead/ca/grpc";
import { aggregateStore } from "@fairlead/config";
import { ControlPlaneError, createControlPlane, placesOf, receivedConfig } from "@fairlead/control-plane";
import { type Diagnostic, formatDiagnostic, formatObject } from "@fairlead/model";
import { manifestCredentials } from "@fairlead/registry/credentials";
import { CliError } from "../cli-error.ts";
import { asksForCluster, CLUSTER_OPTIONS } from "../cluster.ts";
import { type Call, type Command, MESH_OPTIONS } from "../command.ts";
import { type ControlPlaneFile, readControlPlaneFile } from "../control-plane-file.ts";
import { controlPlaneOptions } from "../control-plane-options.ts";
import { readJoinTokens } from "../join-token-file.ts";
import { readSettings } from "../mesh-input.ts";
import { printJson } from "../output.ts";
import { openSource, statusWriting } from "../serve-source.ts";

/** Says each finding once when it appears, and that it is gone when it is. */
function reporter(say: (text: string) => void): (diagnostics: readonly Diagnostic[]) => void {
  let told = new Set<string>();
  return (diagnostics) => {
    const now = new Set(diagnostics.map(formatDiagnostic));
    for (const text of now) if (!told.has(text)) say(text);
    for (const text of told) if (!now.has(text)) say(`mended: ${text}`);
    told = now;
  };
}

/** The address in `xds://HOST:PORT`; in the clear configuration comes from this machine only, unless more is meant. */
function upstreamAddress(url: string, secured: boolean, insecure: boolean): string {
  const [, address = "", host = ""] = /^xds:\/\/((.+):\d+)$/.exec(url) ?? [];
  if (address === "") throw new CliError("usage", `--config takes xds://HOST:PORT, not ${JSON.stringify(url)}`);
  if (!secured && !insecure && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(host))
    throw new CliError("usage", `configuration from ${address} would come in the clear: that needs --ca or --insecure`);
  return address;
}

/** What settings are for that the call does not ask for: they would be without effect. */
function mustBeInUse(given: ControlPlaneFile, call: Call): void {
  const needs = [
    ["certificates", given.certificates, "certificates"],
    ["debug", given.debug, "http"],
    ["minTlsVersion", given.minTlsVersion, "ca"],
    ["discovery.serverNames", given.discovery?.serverNames, "ca"],
    ["kubernetes.distributeRoots", given.kubernetes?.distributeRoots || undefined, "ca"],
  ] as const;
  const idle = needs.filter(([, value, option]) => value !== undefined && call.text(option) === undefined);
  if (idle.length > 0)
    throw new CliError(
      "usage",
      idle.map(([field, , option]) => `${field} has no effect without --${option}`).join("; "),
    );
}

export const serve: Command = {
  summary:
    "Serves a mesh from watched files and folders, a cluster, or another control plane's configuration, to proxies over ADS.",
  usage:
    "-f FILE|FOLDER … | --kubernetes [--kubeconfig FILE] [--context NAME] [--write-status] --ads HOST:PORT [--http HOST:PORT] [--ca DIR [--certificates HOST:PORT [--join-tokens FILE]] [--audit FILE]] [--control-plane-config FILE] [--insecure] [--mesh-config FILE] [--mesh-networks FILE] [--config xds://HOST:PORT] [--share-config]",
  options: {
    ...MESH_OPTIONS,
    ...CLUSTER_OPTIONS,
    "write-status": { type: "boolean" },
    ads: { type: "string" },
    http: { type: "string" },
    ca: { type: "string" },
    certificates: { type: "string" },
    "join-tokens": { type: "string" },
    audit: { type: "string" },
    "control-plane-config": { type: "string" },
    insecure: { type: "boolean" },
    config: { type: "string" },
    "share-config": { type: "boolean" },
  },
  required: ["ads"],
  async run(call, terminal) {
    const ads = call.text("ads") ?? "";
    const http = call.text("http");
    const pki = call.text("ca");
    const certificates = call.text("certificates");
    const tokenFile = call.text("join-tokens");
    const insecure = call.values.insecure === true;
    for (const [option, address] of [
      ["--ads", ads],
      ["--http", http],
      ["--certificates", certificates],
    ] as const)
      if (address !== undefined && !/^unix:.+|:\d+$/.test(address))
        throw new CliError("usage", `${option} takes HOST:PORT, not ${JSON.stringify(address)}`);
    if (certificates !== undefined && pki === undefined) throw new CliError("usage", "--certificates needs --ca");
    if (tokenFile !== undefined && certificates === undefined)
      throw new CliError("usage", "--join-tokens goes with --certificates");
    const auditPath = call.text("audit");
    if (auditPath !== undefined && pki === undefined) throw new CliError("usage", "--audit goes with --ca");
    const upstream = call.text("config");
    const live = asksForCluster(call);
    if (live && call.files.length > 0)
      throw new CliError("usage", "--kubernetes and -f are two meshes: give one of them");
    if (!live && call.values["write-status"]) throw new CliError("usage", "--write-status goes with --kubernetes");
    if (call.files.length === 0 && upstream === undefined && !live)
      throw new CliError("usage", "--file or --kubernetes is needed");
    const address =
      upstream === undefined ? undefined : upstreamAddress(upstream, pki !== undefined && !insecure, insecure);
    const meshConfig = call.text("mesh-config");
    const meshNetworks = call.text("mesh-networks");
    const say = (text: string) => terminal.err(`${new Date().toISOString()} ${text}\n`);
    const report = reporter(say);

    const settings = await readSettings(call);
    const settingsPath = call.text("control-plane-config");
    const given = settingsPath === undefined ? {} : await readControlPlaneFile(settingsPath);
    mustBeInUse(given, call);
    const tokens = tokenFile === undefined ? undefined : await readJoinTokens(tokenFile);
    let plane: Awaited<ReturnType<typeof createControlPlane>> | undefined;
    await using stack = new AsyncDisposableStack();
    const source = await openSource(call, live, stack, () =>
      report(plane?.diagnostics() ?? source.config.diagnostics()),
    );
    const aborted = new Promise<void>((resolve) => {
      if (terminal.signal.aborted) resolve();
      else terminal.signal.addEventListener("abort", () => resolve(), { once: true });
    });
    try {
      // The authority is the mesh's: both speak of one trust domain.
      const { trustDomain = "cluster.local", rootNamespace = "istio-system" } = settings.meshConfig;
      const meshConfigNow = () => plane?.mesh.meshConfig ?? settings.meshConfig;
      const cluster = source.cluster ? { cluster: source.cluster.client } : {};
      const mesh = { trustDomain, rootNamespace, meshConfig: meshConfigNow, ...cluster };
      const more = await controlPlaneOptions(given, mesh, stack);
      const joining = [...(tokens ? [tokens] : []), ...more.certificates.authenticators];
      if (certificates !== undefined && joining.length === 0)
        throw new CliError("usage", "--certificates needs --join-tokens, or authenticators in --control-plane-config");
      const audit =
        auditPath === undefined
          ? undefined
          : stack.adopt(await auditFile(auditPath, { onProblem: ({ message }) => say(message) }), (file) =>
              file.close(),
            );
      const authority =
        pki === undefined
          ? undefined
          : await initAuthority(pki, { trustDomain, ...(audit ? { audit: audit.sink } : {}) });
      if (authority) stack.defer(() => authority.close());
      const jwt =
        certificates === undefined || pki === undefined
          ? undefined
          : stack.use(await jwtAuthority({ trustDomain, keys: fileKeyManager(pki) }));
      const received =
        address === undefined
          ? undefined
          : stack.use(
              await receivedConfig({
                address,
                ...(authority && !insecure ? { authority } : {}),
                ...(settings.meshConfig.rootNamespace ? { rootNamespace: settings.meshConfig.rootNamespace } : {}),
                onDiagnostics: (found) => report(plane?.diagnostics() ?? [...source.config.diagnostics(), ...found]),
              }),
            );
      // What the files or the cluster say goes first.
      const config = received ? stack.use(aggregateStore([source.config, received])) : source.config;
      // Another control plane may be long in coming.
      if (received) await Promise.race([received.ready, aborted]);
      if (terminal.signal.aborted) return 0;
      plane = await createControlPlane({
        ...more.plane,
        config,
        ...(call.values["share-config"] === true ? { shareConfig: true } : {}),
        documents: source.documents,
        ...(source.credentialsKnown ? { credentialsKnown: source.credentialsKnown } : {}),
        registries: [source.registry],
        credentials: manifestCredentials(source.documents),
        mesh: { files: { ...(meshConfig ? { meshConfig } : {}), ...(meshNetworks ? { meshNetworks } : {}) } },
        ...(authority ? { authority } : {}),
      });
      const serving = plane;
      stack.defer(() => serving.close());
      serving.on("connect", ({ client }) => say(`${client.node.id} connected (${client.mode})`));
      serving.on("disconnect", ({ client, reason }) => client && say(`${client.node.id} disconnected: ${reason}`));
      serving.on("nack", ({ client, type, message, resources }) => {
        const places = resources.flatMap(({ sources }) => placesOf(serving, sources));
        const from = places.map(
          ({ object, position }) => `${formatObject(object)}${position ? ` at ${position.file}:${position.line}` : ""}`,
        );
        say(
          `${client.node.id} rejected ${type.shortName} ${resources.map(({ name }) => name).join(", ")}: ${message}${from.length > 0 ? ` (from ${[...new Set(from)].join(", ")})` : ""}`,
        );
      });
      serving.onMesh(() => report(serving.diagnostics()));
      const listening = await serving.listen({
        ...more.listen,
        ads,
        ...(http ? { http } : {}),
        ...(insecure ? { insecure, security: "plaintext" as const } : {}),
        ...(certificates && authority
          ? {
              certificates: {
                ...more.certificates,
                address: certificates,
                authenticators: [clientCertificate({ authority }), ...joining],
                ...(audit ? { audit: audit.sink } : {}),
                ...(jwt ? { jwt: { issuer: jwt, bundle: domainBundle(authority, jwt) } } : {}),
              },
            }
          : {}),
      });
      if (authority && more.distributeRoots) {
        const election = more.distributeRoots(authority, say);
        stack.defer(() => election.close());
      }
      if (source.cluster && call.values["write-status"]) {
        const election = statusWriting(source.cluster, serving, rootNamespace, say);
        stack.defer(() => election.close());
      }
      report(serving.diagnostics());
      if (call.json) printJson(terminal, listening);
      say(
        `serving ${[...serving.mesh.services()].length} services on ${listening.ads}${listening.http ? `, pages on http://${listening.http}` : ""}${listening.certificates ? `, certificates on ${listening.certificates}` : ""}`,
      );
    } catch (error) {
      if (
        error instanceof ControlPlaneError ||
        (error instanceof Error && "code" in error && typeof error.code === "string")
      )
        throw new CliError("unreadable", error.message.replace("insecure: true", "--insecure"), { cause: error });
      throw error;
    }
    await aborted;
    say("ending");
    return 0;
  },
};
