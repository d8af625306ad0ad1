/**
 * Serves what others need to verify our registry tokens: the public keys, as a JWK set and as the certificates that Docker's
 * registry takes as its `rootcertbundle`. Everybody may have them, since a public key is no secret.
 * https://www.rfc-editor.org/rfc/rfc7517#section-5
 */
import type { Middleware } from 'koa';
import { type SigningKey, type SigningKeys, signingAlgorithm } from '../../auth/tokens/signing-keys.ts';

export interface KeyRoutesOptions {
  readonly keys: Pick<SigningKeys, 'list'>;
}

interface Document {
  readonly type: string;
  render(keys: readonly SigningKey[]): string;
}

/** Nothing is cached for long, so that a new key is seen soon. */
const cacheControl = 'public, max-age=60';

const documents: Readonly<Record<string, Document>> = {
  '/.well-known/jwks.json': {
    type: 'application/jwk-set+json',
    render: (keys) => JSON.stringify({ keys: keys.map(toJwk) }),
  },
  '/.well-known/token-certificates.pem': {
    type: 'application/x-pem-file',
    render: (keys) => keys.map(({ certificate }) => certificate).join(''),
  },
};

export function keyRoutes({ keys }: KeyRoutesOptions): Middleware {
  return async (ctx, next) => {
    const document = Object.hasOwn(documents, ctx.path) ? documents[ctx.path] : undefined;
    if (!document) return next();
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') {
      ctx.status = 405;
      ctx.set('Allow', 'GET, HEAD');
      return;
    }
    ctx.set('Cache-Control', cacheControl);
    ctx.set('Content-Type', document.type);
    ctx.body = document.render(await keys.list());
  };
}

function toJwk({ kid, publicKey }: SigningKey): object {
  const { kty, crv, x, y } = publicKey.export({ format: 'jwk' });
  return { kty, crv, x, y, kid, use: 'sig', alg: signingAlgorithm };
}
