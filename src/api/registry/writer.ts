/** Who pushes or deletes, as repositories are told. */
import type { Identity } from '../../auth/identity.ts';
import type { Writer } from '../../oci/repository.ts';
import type { RequestState } from '../state.ts';

export function writerOf({ identity, address }: RequestState): Writer {
  return { ...nameOf(identity), address };
}

/** A user is the same one with a password, an access token or a registry token, or a push could not outlive its token. */
function nameOf(identity: Identity): Pick<Writer, 'key' | 'userId' | 'name'> {
  switch (identity.kind) {
    case 'user':
      return { key: `user:${identity.userId}`, userId: identity.userId, name: identity.username };
    case 'registry-token': {
      const { userId, subject } = identity;
      return { key: userId === undefined ? `subject:${subject}` : `user:${userId}`, userId, name: subject };
    }
    case 'anonymous':
      return { key: 'anonymous', userId: undefined, name: 'anonymous' };
  }
}
