/** What an identity is given to log in to a registry with, by whoever its provider is. */
import { OutboundError } from '../../outbound/outbound-error.ts';
import { loginToAws } from './aws.ts';
import { loginToAzure } from './azure.ts';
import {
  ambientFault,
  type CloudAsking,
  type CloudIdentity,
  type CloudLogin,
  type CloudRules,
  findCloudPlace,
  strangerFault,
} from './cloud-identity.ts';
import { loginToGoogle } from './google.ts';

const exchanges = {
  ecr: loginToAws,
  'ecr-public': loginToAws,
  google: loginToGoogle,
  azure: loginToAzure,
} as const;

/** @throws OutboundError, or the signal's reason */
export async function exchangeLogin(
  identity: CloudIdentity,
  asking: CloudAsking,
  rules: CloudRules,
  signal: AbortSignal,
): Promise<CloudLogin> {
  const { provider } = identity;
  const place = findCloudPlace(provider, asking.registry, rules);
  if (place === undefined) throw refused(strangerFault(provider, asking.registry));
  const fault = ambientFault(identity, asking.registry, rules);
  if (fault !== undefined) throw refused(fault);
  return exchanges[provider](identity, place, asking, signal);
}

function refused(fault: string): OutboundError {
  return new OutboundError('invalid', `is given no login: ${fault}`);
}
