/** The one error of the management side: why something was not done, in words that src/api/rest turns into GitLab's answers. */

/**
 * unauthorized: nobody is known; invalid-token: the token was good once (detail says what happened to it);
 * insufficient-scope: the token is not for this (detail names the scopes that are, separated by spaces);
 * forbidden (detail: why); not-found (detail: what, e.g. 'Group'); turned-off (detail: what, and who turns it on); parameters (detail: 'name is missing');
 * invalid: the record would break a rule (faults); unprocessable: the same, where GitLab says so in sentences (faults, under `error`); bad-request (detail: why); conflict (detail: the whole message);
 * repeated: it was done not long ago (detail: the whole message); throttled: too often (detail: after how many seconds to try again); unavailable: nothing can be changed now (detail: why).
 */
export type RefusedKind =
  | 'unauthorized'
  | 'invalid-token'
  | 'insufficient-scope'
  | 'forbidden'
  | 'not-found'
  | 'turned-off'
  | 'parameters'
  | 'invalid'
  | 'bad-request'
  | 'conflict'
  | 'unprocessable'
  | 'repeated'
  | 'precondition-failed'
  | 'throttled'
  | 'unavailable';

/** What is wrong with each attribute: `{ name: ['has already been taken'] }`. */
export type Faults = Readonly<Record<string, readonly string[]>>;

export class RefusedError extends Error {
  override readonly name = 'RefusedError';
  readonly kind: RefusedKind;
  readonly detail: string | undefined;
  readonly faults: Faults;

  /** @param reason the detail, or for `invalid` the faults */
  constructor(kind: RefusedKind, reason?: string | Faults, options: { readonly cause?: unknown } = {}) {
    super(typeof reason === 'string' ? `${kind}: ${reason}` : kind, options);
    this.kind = kind;
    this.detail = typeof reason === 'string' ? reason : undefined;
    this.faults = typeof reason === 'object' ? reason : {};
  }
}
