// The string types of the Gateway API, with the patterns and lengths of its CRDs.
import { choice, int32, list, map, message, required, type Schema, text } from "../../schema/message.ts";

const SUBDOMAIN = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";

/** A DNS name, of which the first label may be `*`. */
export const hostname: Schema<string> = text({ min: 1, max: 253, pattern: new RegExp(`^(\\*\\.)?${SUBDOMAIN}$`) });
/** A DNS name without a wildcard. */
export const preciseHostname: Schema<string> = text({ min: 1, max: 253, pattern: new RegExp(`^${SUBDOMAIN}$`) });
/** An API group; empty: Kubernetes' core. */
export const group: Schema<string> = text({ max: 253, pattern: new RegExp(`^$|^${SUBDOMAIN}$`) });
export const kindName: Schema<string> = text({
  min: 1,
  max: 63,
  pattern: /^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/,
});
export const objectName: Schema<string> = text({ min: 1, max: 253 });
export const namespaceName: Schema<string> = text({ min: 1, max: 63, pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/ });
/** The name of a listener, of a rule, or of a Service's port. */
export const sectionName: Schema<string> = text({ min: 1, max: 253, pattern: new RegExp(`^${SUBDOMAIN}$`) });
export const portNumber: Schema<number> = int32({ min: 1, max: 65_535 });
/** A duration of GEP-2257: at most four terms of whole hours, minutes, seconds and milliseconds. */
export const gatewayDuration: Schema<string> = text({ pattern: /^([0-9]{1,5}(h|m|s|ms)){1,4}$/ });
export const headerName: Schema<string> = text({ min: 1, max: 256, pattern: /^[A-Za-z0-9!#$%&'*+\-.^_\x60|~]+$/ });
export const headerValue: Schema<string> = text({ min: 1, max: 4096, pattern: /^[!-~]+([\t ]?[!-~]+)*$/ });
/** Values of options and annotations. */
export const optionValue: Schema<string> = text({ max: 4096 });

export const labelSelector = message({
  matchLabels: map(text()),
  matchExpressions: list(message({ key: required(text()), operator: required(text()), values: list(text()) })),
});

export const defaultGatewayScope = choice("All", "None");
