/** The method of Istio's certificate service; its messages are read by `decodeRequest`. */
export const CREATE_CERTIFICATE = "/istio.v1.auth.IstioCertificateService/CreateCertificate";
