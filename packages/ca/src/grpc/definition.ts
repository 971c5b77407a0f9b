import type { ServiceDefinition } from "@grpc/grpc-js";

const PATH = "/istio.v1.auth.IstioCertificateService/CreateCertificate";
const raw = (bytes: Buffer): Buffer => bytes;

/** The method as clients and servers of grpc-js need it; messages are the bytes themselves, read by `decodeRequest`. */
export const CERTIFICATE_SERVICE: ServiceDefinition = {
  CreateCertificate: {
    path: PATH,
    requestStream: false,
    responseStream: false,
    requestSerialize: raw,
    requestDeserialize: raw,
    responseSerialize: raw,
    responseDeserialize: raw,
  },
};
