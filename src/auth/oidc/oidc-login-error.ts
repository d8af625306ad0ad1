/**
 * unavailable: the provider could not be asked; interrupted: not begun in this browser, or too long ago; denied: the provider, or the
 * person there, said no; untrusted: what came back is not to be believed.
 */
export type OidcFault = 'unavailable' | 'interrupted' | 'denied' | 'untrusted';

/** Why somebody did not come in by the OpenID provider; the message is for them. */
export class OidcLoginError extends Error {
  override readonly name = 'OidcLoginError';
  readonly fault: OidcFault;

  constructor(fault: OidcFault, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.fault = fault;
  }
}
