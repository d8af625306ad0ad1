/** Names of the secrets in the environment: no settings, and known, so that a misspelt setting is told from them. */
export const keyVariable = 'ENTREPOT_SECRET_KEY';
export const rootTokenVariable = 'ENTREPOT_ROOT_TOKEN';
export const rootPasswordVariable = 'ENTREPOT_ROOT_PASSWORD';
export const oidcSecretVariable = 'ENTREPOT_OIDC_CLIENT_SECRET';
export const debugTokenVariable = 'ENTREPOT_DEBUG_TOKEN';
export const webhookSecretVariable = 'ENTREPOT_WEBHOOK_SECRET';

/** Each may be given as a file by `NAME_FILE`. */
export const secretVariables: readonly string[] = [
  keyVariable,
  rootTokenVariable,
  rootPasswordVariable,
  oidcSecretVariable,
  webhookSecretVariable,
  debugTokenVariable,
];
