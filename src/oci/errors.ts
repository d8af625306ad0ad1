/**
 * The one table of OCI error codes and GitLab's beside them, and the one error that becomes an OCI answer.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes
 */
export const ociErrors = {
  BLOB_UNKNOWN: { status: 404, message: 'blob unknown to registry' },
  BLOB_UPLOAD_INVALID: { status: 400, message: 'blob upload invalid' },
  BLOB_UPLOAD_UNKNOWN: { status: 404, message: 'blob upload unknown to registry' },
  DENIED: { status: 403, message: 'requested access to the resource is denied' },
  DIGEST_INVALID: { status: 400, message: 'provided digest did not match uploaded content' },
  IMMUTABLE_TAG: { status: 403, message: 'the tag is immutable' },
  EXCEEDS_LIMITS: { status: 422, message: 'there are too many repositories for this' },
  INVALID_BODY_PARAMETER: { status: 400, message: 'invalid value of a body parameter' },
  INVALID_BODY_PARAMETER_TYPE: { status: 400, message: 'invalid type of a body parameter' },
  INVALID_JSON_BODY: { status: 400, message: 'the body is not JSON' },
  INVALID_QUERY_PARAMETER_TYPE: { status: 400, message: 'invalid type of a query parameter' },
  INVALID_QUERY_PARAMETER_VALUE: { status: 400, message: 'invalid value of a query parameter' },
  MANIFEST_BLOB_UNKNOWN: {
    status: 400,
    message: 'manifest references a manifest or blob unknown to registry',
  },
  MANIFEST_INVALID: { status: 400, message: 'manifest invalid' },
  MANIFEST_REFERENCED: { status: 409, message: 'an index refers to the manifest' },
  MANIFEST_UNKNOWN: { status: 404, message: 'manifest unknown' },
  MISMATCH_PROJECT_PATH_CLAIM: { status: 401, message: 'the token was issued for another project' },
  NAME_INVALID: { status: 400, message: 'invalid repository name' },
  NAME_UNKNOWN: { status: 404, message: 'repository name not known to registry' },
  NOT_IMPLEMENTED: { status: 404, message: 'there is nothing of the kind here' },
  PAGINATION_NUMBER_INVALID: { status: 400, message: 'invalid number of results requested' },
  PROTECTED_MANIFEST: { status: 403, message: 'a tag of the manifest is protected' },
  PROTECTED_TAG: { status: 403, message: 'the tag is protected' },
  RANGE_INVALID: { status: 416, message: 'requested range is not satisfiable' },
  RENAME_CONFLICT: { status: 409, message: 'the new name is taken' },
  RENAME_IN_PROGRESS: { status: 409, message: 'the repository is being renamed' },
  SIZE_INVALID: { status: 400, message: 'provided length did not match content length' },
  TAG_INVALID: { status: 400, message: 'invalid tag' },
  TAG_UNKNOWN: { status: 404, message: 'tag unknown' },
  TOOMANYREQUESTS: { status: 429, message: 'too many requests' },
  UNAUTHORIZED: { status: 401, message: 'authentication required' },
  UNAVAILABLE: { status: 503, message: 'service unavailable' },
  UNKNOWN: { status: 500, message: 'unknown error' },
  UNKNOWN_PROJECT_PATH_CLAIM: { status: 401, message: 'the token does not say of which project it is' },
  UNSUPPORTED: { status: 405, message: 'the operation is unsupported' },
} as const;

export type OciErrorCode = keyof typeof ociErrors;

export interface OciErrorOptions {
  /** What happened and what to do about it, in a sentence; sent to the client. */
  readonly detail?: string;
  /** Where there are several of the same kind, a sentence for each, instead of `detail`; never empty. */
  readonly details?: readonly string[];
  /** Replaces the table's status where one code has several, e.g. UNAVAILABLE 502, 503, 504. */
  readonly status?: number;
  /** Further answer headers, e.g. Retry-After, Allow, WWW-Authenticate. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

export class OciError extends Error {
  override readonly name = 'OciError';
  readonly code: OciErrorCode;
  readonly status: number;
  /** One for each entry of the answer; empty where there is nothing to say. */
  readonly details: readonly string[];
  readonly headers: Readonly<Record<string, string>>;

  /** The first of {@link details}. */
  get detail(): string | undefined {
    return this.details[0];
  }

  constructor(code: OciErrorCode, options: OciErrorOptions = {}) {
    const details = options.details ?? (options.detail === undefined ? [] : [options.detail]);
    super(details[0] ?? ociErrors[code].message, { cause: options.cause });
    this.code = code;
    this.status = options.status ?? ociErrors[code].status;
    this.details = details;
    this.headers = options.headers ?? {};
  }
}
