/** What answers of the REST API mean that are no successes. */
export const errorDescriptions = {
  400: 'A parameter is missing, of the wrong kind, or against a rule',
  401: 'No token, or one that does not count any more',
  403: 'The token or the role does not allow it',
  404: 'There is no such thing, or it may not be seen',
  408: 'The body did not come in time',
  409: 'It contradicts what is there already',
  411: 'A form whose length is not said',
  412: 'It was changed after `If-Unmodified-Since`',
  413: 'The body is too large',
  415: 'The body is of a type that is not read here',
  422: 'It would break a rule, which is said in sentences',
  429: 'Too many requests; `Retry-After` says when to ask again',
  503: 'The database or the storage is not to be had, and `Retry-After` says when to ask again; or nothing can be changed in read-only mode',
} as const;

/** What refusals and unreadable bodies are answered with: everything below but bugs, and methods that a path does not have. */
export type ErrorStatus = keyof typeof errorDescriptions;
