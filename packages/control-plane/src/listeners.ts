import type { Authority } from "@fairlead/ca";
import { type CertificateListener, listenCertificateService, serverTls } from "@fairlead/ca/grpc";
import type { CompliancePolicy } from "@fairlead/mesh";
import { XdsError } from "@fairlead/xds";
import type { DiscoveryServer } from "@fairlead/xds/server";
import { ControlPlaneError } from "./control-plane-error.ts";
import { authorizeCallers, debugReaders } from "./identity.ts";
import type { Listening, ListenOptions } from "./options.ts";
import type { OwnCertificates } from "./own-certificates.ts";
import { ownTls } from "./own-tls.ts";
import { listenPages, type PagesOptions } from "./pages.ts";

export interface ListenersContext {
  readonly server: DiscoveryServer;
  readonly authority: Authority | undefined;
  readonly own: OwnCertificates;
  readonly compliancePolicy: CompliancePolicy | undefined;
  readonly trustDomains: () => readonly string[];
  readonly rootNamespace: () => string;
  readonly pages: PagesOptions["pages"];
}

/** The addresses of a control plane: discovery, certificates, pages. */
export class Listeners {
  readonly #context: ListenersContext;
  readonly #open: { close(): Promise<void> }[] = [];
  #listens = false;
  #signs = false;

  constructor(context: ListenersContext) {
    this.#context = context;
  }

  /** Whether all of some address has been opened. */
  get listens(): boolean {
    return this.#listens;
  }

  /** Whether a certificate service has signers of its own. */
  get signs(): boolean {
    return this.#signs;
  }

  async listen(options: ListenOptions): Promise<Listening> {
    const { http, certificates, debug } = options;
    const { rootNamespace, pages } = this.#context;
    const discovery = await this.#discovery(options);
    const certificateService = certificates && (await this.#certificates(options, certificates));
    const opened = http
      ? await listenPages({
          address: http,
          ...(debug ? { authorize: debugReaders(debug, rootNamespace) } : {}),
          pages,
        })
      : undefined;
    if (opened) this.#open.push(opened);
    this.#listens = true;
    return { ads: discovery.address, http: opened?.address, certificates: certificateService?.address };
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.map((one) => one.close()));
  }

  async #discovery(options: ListenOptions) {
    const { server, authority, own, compliancePolicy, trustDomains } = this.#context;
    const { ads, insecure, authenticators, serverNames = [], security = authority ? "mtls" : "plaintext" } = options;
    const host = ads.slice(0, ads.lastIndexOf(":")).replace(/^\[|\]$/g, "");
    const tls =
      security === "mtls" && !ads.startsWith("unix:")
        ? serverTls(await own.agent([host, ...serverNames]), {
            clients: authenticators ? "asked" : "required",
            ...ownTls(compliancePolicy, options.minTlsVersion),
          })
        : undefined;
    const bound = await server
      .listen({
        address: ads,
        ...(tls ? { tls } : {}),
        ...(authenticators ? { authorize: authorizeCallers({ authority, authenticators }, trustDomains) } : {}),
        ...(insecure ? { insecure } : {}),
      })
      .catch(rethrowListen);
    this.#open.push(bound);
    return bound;
  }

  async #certificates(
    { minTlsVersion }: ListenOptions,
    service: NonNullable<ListenOptions["certificates"]>,
  ): Promise<CertificateListener> {
    const { authority, compliancePolicy } = this.#context;
    if (!authority) throw new ControlPlaneError("insecure", "a certificate service needs an authority");
    const listener = await listenCertificateService({
      ...service,
      authority,
      tls: ownTls(compliancePolicy, minTlsVersion),
    });
    this.#open.push(listener);
    this.#signs ||= service.signers !== undefined;
    return listener;
  }
}

/** What a discovery server says of an address is said in this package's words. */
function rethrowListen(error: unknown): never {
  if (error instanceof XdsError && (error.code === "listen-failed" || error.code === "insecure"))
    throw new ControlPlaneError(error.code, error.message.replace(/^\[[\w-]+\] /, ""), { cause: error });
  throw error;
}
