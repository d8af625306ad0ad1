/** A request as whoever is told of what it did hears of it. */
import { type PrincipalRef, unknownIdentity } from '../auth/rights/identity.ts';
import type { ActorType, EventOrigin } from '../oci/registry-event.ts';
import { refOf } from './registry/writer.ts';
import type { RequestContext } from './state.ts';

const maxUserAgentLength = 256;

export function originOf({ state, method, req }: RequestContext): EventOrigin {
  return {
    requestId: state.requestId,
    address: state.address,
    externalUrl: state.externalUrl,
    method,
    userAgent: (req.headers['user-agent'] ?? '').slice(0, maxUserAgentLength),
    actorType: actorTypeOf(refOf(state.identity)),
  };
}

/** A registry token says what it was asked for with only where that was a personal access token. */
function actorTypeOf(ref: PrincipalRef | undefined): ActorType {
  switch (ref?.kind) {
    case 'user':
      return ref.tokenId === undefined ? 'gitlab_or_ldap' : 'personal_access_token';
    case 'deploy-token':
      return 'deploy_token';
    case 'job':
    case 'trust':
      return 'build';
    case 'external':
    case undefined:
      return '';
    default:
      return unknownIdentity(ref);
  }
}
