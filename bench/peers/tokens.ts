/** The token service of registries that have none of their own. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TokenServer } from '../../test/e2e/support/token-server.ts';

export const service = 'bench';
export const issuer = 'bench-issuer';

export interface Tokens {
  readonly realm: string;
  readonly certificateFile: string;
  /** The same key as a JWK set, which names it as its tokens do. */
  readonly jwksFile: string;
  bearer(repository: string, actions?: string): Promise<string>;
  stop(): void;
}

export async function startTokens(directory: string): Promise<Tokens> {
  const server = await TokenServer.start({
    directory,
    service,
    issuer,
    username: 'bench',
    password: 'bench',
  });
  const jwksFile = join(directory, 'jwks.json');
  writeFileSync(jwksFile, await (await fetch(`${server.url}/jwks.json`)).text());
  return {
    realm: server.realm,
    certificateFile: server.certificateFile,
    jwksFile,
    async bearer(repository, actions = 'pull') {
      const access = [{ type: 'repository', name: repository, actions: actions.split(',') }];
      return `Bearer ${await server.sign(access)}`;
    },
    stop: () => server.close(),
  };
}
