/** What a failed call to Azure means. */
import type { ObjectFault } from '../objects/object-storage.ts';

/** What its errors have, whichever of its packages they are from. */
interface AzureError {
  readonly name?: unknown;
  readonly statusCode?: unknown;
  readonly code?: unknown;
  readonly message?: unknown;
  /** Where the answer had no body. */
  readonly details?: unknown;
}

const absentContainers: readonly unknown[] = [
  'ContainerNotFound',
  'ContainerBeingDeleted',
  'ContainerDisabled',
];
const busyCodes: readonly unknown[] = ['ServerBusy', 'OperationTimedOut', 'IngressTooHigh'];
/** Of the packages that get tokens. */
const identityErrors: readonly unknown[] = [
  'AuthenticationError',
  'AuthenticationRequiredError',
  'AggregateAuthenticationError',
  'CredentialUnavailableError',
];

export function azureFault(error: unknown): ObjectFault {
  const { name, statusCode, message } = asAzureError(error);
  const code = codeOf(error);
  if (absentContainers.includes(code)) return 'absent';
  if (busyCodes.includes(code) || statusCode === 429 || statusCode === 503) return 'busy';
  if (/date header too old|not in the correct time/i.test(String(message))) return 'clock';
  if (statusCode === 401 || statusCode === 403 || identityErrors.includes(name)) return 'denied';
  return statusCode === undefined ? 'unreachable' : 'failing';
}

/** No such blob, in a container that is there. */
export function isAbsentBlob(error: unknown): boolean {
  return asAzureError(error).statusCode === 404 && !absentContainers.includes(codeOf(error));
}

/** A blob is complete at the name where blocks were to be given up. */
export function isCompleteBlob(error: unknown): boolean {
  const { statusCode } = asAzureError(error);
  return statusCode === 409 || statusCode === 412;
}

function codeOf(error: unknown): unknown {
  const { code, details } = asAzureError(error);
  const isObject = typeof details === 'object' && details !== null;
  return code ?? (isObject && 'errorCode' in details ? details.errorCode : undefined);
}

function asAzureError(error: unknown): AzureError {
  return typeof error === 'object' && error !== null ? error : {};
}
