/** Who pushes or deletes, as repositories are told. */
import {
  type Identity,
  nameOf,
  type PrincipalRef,
  principalRefOf,
  writerKeyOf,
} from '../../auth/rights/identity.ts';
import type { EventOrigin } from '../../oci/registry-event.ts';
import type { Writer } from '../../oci/repository.ts';
import type { RequestState } from '../state.ts';

/** @param protectionLevel in the repository's project */
export function writerOf(
  { identity, address }: RequestState,
  protectionLevel: number,
  origin?: EventOrigin,
): Writer {
  const ref = refOf(identity);
  const name = nameOf(identity) || 'anonymous';
  const common = { name, address, protectionLevel, origin };
  if (!ref) return { ...common, key: 'anonymous', userId: undefined };
  return { ...common, key: writerKeyOf(ref, name), userId: ref.kind === 'user' ? ref.userId : undefined };
}

/** Whom a registry token was made for, or who came without one. Undefined: nobody in particular. */
export function refOf(identity: Identity): PrincipalRef | undefined {
  switch (identity.kind) {
    case 'registry-token':
      return identity.principal;
    case 'anonymous':
      return undefined;
    default:
      return principalRefOf(identity);
  }
}
