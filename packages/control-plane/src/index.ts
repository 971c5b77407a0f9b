export { type ControlPlane, createControlPlane, placesOf, type SourcePlace } from "./control-plane.ts";
export { ControlPlaneError, type ControlPlaneErrorCode } from "./control-plane-error.ts";
export { refuseForeignNode, type StreamPeer } from "./identity.ts";
export type { JwksOptions } from "./jwks/options.ts";
export type { SettingsFiles } from "./mesh-settings.ts";
export type { ControlPlaneOptions, Listening, ListenOptions } from "./options.ts";
export { type SecretGrants, secretGrants } from "./reference-grants.ts";
export { type Clock, type DebounceOptions, systemClock } from "./scheduler.ts";
export { type SecretResource, type SecretsFrom, secretResources } from "./secrets.ts";
