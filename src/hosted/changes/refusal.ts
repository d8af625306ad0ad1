import { OciError, type OciErrorCode } from '../../oci/errors.ts';

interface Answer {
  readonly code: OciErrorCode;
  /** Undefined: the status of the code. */
  readonly status?: number;
}

/** Refused with 403 where GitLab says 401: that would have to come with a challenge, and mean that other credentials help. */
const answers = {
  'deleting-off': { code: 'UNSUPPORTED' },
  'being-deleted': { code: 'DENIED', status: 409 },
  'nothing-there': { code: 'NAME_UNKNOWN' },
  'over-quota': { code: 'DENIED' },
  'name-invalid': { code: 'INVALID_BODY_PARAMETER' },
  'name-taken': { code: 'RENAME_CONFLICT' },
  'rename-denied': { code: 'DENIED' },
  'too-many-repositories': { code: 'EXCEEDS_LIMITS' },
  'repository-unknown': { code: 'NAME_UNKNOWN' },
  'repository-protected': { code: 'DENIED' },
  'manifest-unknown': { code: 'MANIFEST_UNKNOWN' },
  'manifest-protected': { code: 'PROTECTED_MANIFEST' },
  'manifest-referenced': { code: 'MANIFEST_REFERENCED' },
  'blob-unknown': { code: 'BLOB_UNKNOWN' },
  'blob-referenced': { code: 'DENIED', status: 409 },
  'tag-unknown': { code: 'MANIFEST_UNKNOWN' },
  'tag-exists': { code: 'DENIED', status: 409 },
  'deleted-tag-unknown': { code: 'TAG_UNKNOWN' },
  'too-many-tags': { code: 'DENIED' },
  'image-too-large': { code: 'DENIED' },
  'asked-again': { code: 'TOOMANYREQUESTS' },
  'push-protected': { code: 'PROTECTED_TAG' },
  'push-immutable': { code: 'IMMUTABLE_TAG' },
  'push-into-protected': { code: 'PROTECTED_TAG' },
  'delete-from-protected': { code: 'PROTECTED_TAG' },
  'delete-protected': { code: 'PROTECTED_TAG' },
  'delete-immutable': { code: 'IMMUTABLE_TAG' },
} as const satisfies Record<string, Answer>;

export type RefusalKind = keyof typeof answers;

/**
 * Why something is not done to a hosted repository. It is what /v2 answers; who says it in other words, as the REST API does, goes by
 * its kind.
 */
export class HostedRefusal extends OciError {
  readonly kind: RefusalKind;
  /** What is the case, in a sentence for people. */
  readonly fact: string;

  /** @param advice what to do about it */
  constructor(kind: RefusalKind, fact: string, advice?: string) {
    super(answers[kind].code, {
      ...answers[kind],
      detail: advice === undefined ? fact : `${fact}: ${advice}`,
    });
    this.kind = kind;
    this.fact = fact;
  }
}

/** @param maxTags that a repository may have */
export function tooManyTags(maxTags: number): HostedRefusal {
  return new HostedRefusal(
    'too-many-tags',
    `a repository may have ${maxTags} tags`,
    'delete some before pushing new ones',
  );
}

export function repositoryUnknown(name: string): HostedRefusal {
  return new HostedRefusal('repository-unknown', `there is no repository ${name}`);
}
