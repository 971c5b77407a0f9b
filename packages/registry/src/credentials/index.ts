export { type Credentials, type CredentialsOptions, manifestCredentials } from "./collection.ts";
export type { Credential, CredentialKeyPair, CredentialTrust } from "./credential.ts";
