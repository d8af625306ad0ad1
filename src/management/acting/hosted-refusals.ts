import type { HostedRefusal } from '../../hosted/changes/refusal.ts';
import { RefusedError } from './refused-error.ts';

/** GitLab's words. */
const askedAgain =
  'This request has already been made. You can run this at most once an hour for a given container repository';

/** What is refused of a hosted repository, as the REST API says it. */
export function refusedErrorOf(refusal: HostedRefusal): RefusedError {
  return new RefusedError(...reasonOf(refusal), { cause: refusal });
}

function reasonOf({ kind, fact, message }: HostedRefusal): [RefusedError['kind'], string | undefined] {
  switch (kind) {
    case 'deleting-off':
      return ['bad-request', fact];
    case 'repository-unknown':
      return ['not-found', undefined];
    case 'repository-protected':
      return ['forbidden', 'Deleting protected container repository forbidden.'];
    case 'tag-unknown':
      return ['not-found', 'Tag'];
    case 'deleted-tag-unknown':
      return ['not-found', 'Deleted Tag'];
    case 'push-protected':
      return ['forbidden', 'cannot create protected tag(s)'];
    case 'push-into-protected':
      return ['forbidden', 'Pushing to protected repository path forbidden'];
    case 'delete-from-protected':
      return ['forbidden', 'cannot delete tag(s) of a protected container repository'];
    case 'delete-protected':
    case 'delete-immutable':
      return ['forbidden', 'cannot delete protected tag(s)'];
    case 'over-quota':
      return ['conflict', message];
    case 'asked-again':
      return ['repeated', askedAgain];
    default:
      return ['conflict', `409 Conflict - ${fact}`];
  }
}
