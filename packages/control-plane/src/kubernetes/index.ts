export {
  type AdmissionListener,
  type AdmissionOptions,
  type ServingCertificate,
  serveAdmission,
} from "./admission.ts";
export { type GatewayApiStatusOptions, type StatusClient, writeGatewayApiStatus } from "./gateway-api-status.ts";
export { type StatusWriterOptions, writeStatus } from "./status-writer.ts";
export { type WebhookOptions, webhookConfiguration } from "./webhook-configuration.ts";
