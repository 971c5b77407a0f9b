import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { type AdmissionRequest, type AdmissionResponse, reviewAdmission } from "@fairlead/config";
import { ControlPlaneError } from "../control-plane-error.ts";

/** PEM: the chain, leaf first, and its key. */
export interface ServingCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface AdmissionOptions {
  /** `HOST:PORT`; port 0 takes a free one. */
  readonly address: string;
  readonly certificate: ServingCertificate;
  /** PEM: who must have signed the caller's certificate. Default: the API server need not show one. */
  readonly clientCa?: string;
  /** Decides. Default: `reviewAdmission` of `@fairlead/config`: every error of the object, all at once. */
  readonly review?: (request: AdmissionRequest) => AdmissionResponse | Promise<AdmissionResponse>;
  /** Longest request, in bytes. Default 8 Mi: an API server takes objects of 3 MiB, and sends old and new. */
  readonly maxBodyBytes?: number;
}

/** A running webhook. Whoever started it closes it. */
export interface AdmissionListener extends AsyncDisposable {
  /** `HOST:PORT`, the port as bound. */
  readonly address: string;
  /** From the next connection on; the present ones go on. */
  setCertificate(certificate: ServingCertificate): void;
  close(): Promise<void>;
}

/**
 * A validating admission webhook: `POST /validate` takes an AdmissionReview (admission.k8s.io/v1) over TLS and answers
 * whether a cluster may take the object. It holds no state: any number of replicas answer alike. What it cannot read is
 * answered with 400, which the API server treats by the webhook's failure policy; a `review` that throws, with 500.
 *
 * Source: Kubernetes, "Dynamic Admission Control". Rejects with ControlPlaneError `listen-failed`.
 */
export async function serveAdmission(options: AdmissionOptions): Promise<AdmissionListener> {
  const { address, certificate, clientCa } = options;
  const client = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true };
  const server = createServer({ ...certificate, ...client, minVersion: "TLSv1.2" }, (request, response) => {
    void answer(options, request, response);
  });
  server.requestTimeout = 30_000;
  const colon = address.lastIndexOf(":");
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) =>
      reject(new ControlPlaneError("listen-failed", `${address}: ${error.message}`, { cause: error })),
    );
    server.listen(Number(address.slice(colon + 1)), address.slice(0, colon).replace(/^\[|\]$/g, ""), resolve);
  });
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return {
    address: `${address.slice(0, colon)}:${(server.address() as AddressInfo).port}`,
    setCertificate: (next) => server.setSecureContext({ ...next, ...(clientCa === undefined ? {} : { ca: clientCa }) }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function answer(
  { review = reviewAdmission, maxBodyBytes = 8 * 1024 * 1024 }: AdmissionOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const send = (status: number, body: string, type = "text/plain") =>
    void response.writeHead(status, { "content-type": type }).end(body);
  if (URL.parse(request.url ?? "", "https://localhost")?.pathname !== "/validate")
    return send(404, "there is only /validate\n");
  if (request.method !== "POST") return send(405, "only POST\n");
  try {
    const asked = readReview(await readBody(request, maxBodyBytes));
    if (typeof asked === "string") return send(400, `${asked}\n`);
    const { apiVersion, request: admission } = asked;
    const answered = { apiVersion, kind: "AdmissionReview", response: await review(admission) };
    send(200, JSON.stringify(answered), "application/json");
  } catch (error) {
    if (error instanceof RangeError) return send(413, `${error.message}\n`);
    send(500, `${(error as Error).message}\n`);
  }
}

/** The request of a review; what is wrong with it as a text. */
function readReview(text: string): { readonly apiVersion: string; readonly request: AdmissionRequest } | string {
  let review: unknown;
  try {
    review = JSON.parse(text);
  } catch (error) {
    return `no JSON: ${(error as Error).message}`;
  }
  const { apiVersion, kind, request } = (review ?? {}) as Readonly<Record<string, unknown>>;
  if (kind !== "AdmissionReview" || apiVersion !== "admission.k8s.io/v1")
    return `an AdmissionReview of admission.k8s.io/v1 is needed, not ${String(kind)} of ${String(apiVersion)}`;
  if (typeof request !== "object" || request === null || typeof (request as AdmissionRequest).uid !== "string")
    return "the review has no request with a uid";
  return { apiVersion, request: request as AdmissionRequest };
}

async function readBody(request: IncomingMessage, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limit) throw new RangeError(`the request is longer than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
