/** The tokens of a group or project: of bots, and of machines. */
import type { PlaceOf } from '../../api/roles.ts';
import { AccessTokens } from './access-tokens.tsx';
import { DeployTokens } from './deploy-tokens.tsx';

export function PlaceTokens({ place }: { readonly place: PlaceOf }) {
  return (
    <>
      <AccessTokens place={place} />
      <DeployTokens place={place} />
    </>
  );
}
