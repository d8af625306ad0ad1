/** What a request brings along to say who is asking, before anyone believed it. */

export type Credentials =
  | { readonly kind: 'basic'; readonly username: string; readonly secret: string }
  | { readonly kind: 'token'; readonly token: string };

const maxHeaderLength = 16_384;

/**
 * Reads an Authorization header: Basic, or Bearer with a token of any kind.
 * Undefined where there is none, `invalid` where nothing can be made of it.
 */
export function parseAuthorization(header: string | undefined): Credentials | 'invalid' | undefined {
  if (header === undefined || header === '') return undefined;
  if (header.length > maxHeaderLength) return 'invalid';
  const [scheme, value, ...rest] = header.split(/ +/);
  if (!scheme || !value || rest.some((part) => part !== '')) return 'invalid';
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return { kind: 'token', token: value };
    case 'basic':
      return parseBasic(Buffer.from(value, 'base64').toString('utf8'));
    default:
      return 'invalid';
  }
}

const jwtPattern = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** Whether the text looks like a JWT; whose it is, and whether it is good, is another question. */
export function isJwt(text: string): boolean {
  return jwtPattern.test(text);
}

function parseBasic(text: string): Credentials | 'invalid' {
  const colon = text.indexOf(':');
  if (colon === -1 || colon === text.length - 1) return 'invalid';
  return { kind: 'basic', username: text.slice(0, colon), secret: text.slice(colon + 1) };
}
