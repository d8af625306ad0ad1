/** Which signatures images need; ours. */
import { z } from 'zod';
import { type SignaturePolicy, signatureModes } from '../../metadata/admission/signature-policies.ts';
import { instantText } from '../endpoint/dates.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { filled, projectId, recordId, text } from '../endpoint/parameters.ts';
import type { AnswerOf, CamelCased } from '../endpoint/wire.ts';
import type { SignaturePolicyInput, SignaturePolicyService } from './signature-policies.ts';

const maxKeys = 20;
const maxKeyLength = 4096;
const maxIdentities = 50;
const maxTextLength = 255;
const maxRootLength = 256 * 1024;

const key = z.object({ name: filled(maxTextLength), public_key: filled(maxKeyLength) });
const identity = z.object({ issuer: filled(maxTextLength), subject: filled(maxTextLength) });
const newPolicy = z.object({
  mode: z.enum(signatureModes).meta({
    description: '`enforce` refuses what is not signed; `warn` lets it in and tells of it; `off`',
  }),
  cosign_keys: z.array(key).max(maxKeys).default([]).meta({ description: 'Public keys in PEM' }),
  identities: z
    .array(identity)
    .max(maxIdentities)
    .default([])
    .meta({ description: 'Who may sign without a key of their own; `subject` is a glob' }),
  trusted_root: text(maxRootLength)
    .nullish()
    .meta({ description: 'Of Sigstore, as JSON: who certifies identities, and the logs' }),
});

type NewPolicy = CamelCased<z.infer<typeof newPolicy>>;

const policyResponse = z
  .object({
    mode: z.enum(signatureModes),
    cosign_keys: z.array(z.object({ name: z.string(), public_key: z.string() })),
    identities: z.array(z.object({ issuer: z.string(), subject: z.string() })),
    trusted_root: z.string().nullable(),
    updated_at: instantText,
  })
  .meta({ id: 'SignaturePolicy' });

export function registrySignatureEndpoints(policies: SignaturePolicyService): readonly Endpoint[] {
  const path = '/virtual_registries/container/registries/:id/signature_policy';
  const ownerOf = (id: number) => ({ kind: 'registry', id }) as const;
  return [
    endpoint({
      method: 'GET',
      path,
      summary: 'Which signatures images need to be pulled through a virtual registry; for Maintainers',
      pathParams: recordId,
      status: 200,
      response: policyResponse,
      handle: async (actor, { id }) => policyBody(await policies.get(actor, ownerOf(id))),
    }),
    endpoint({
      method: 'PUT',
      path,
      summary: 'Say which signatures images need to be pulled through a virtual registry; for Maintainers',
      pathParams: recordId,
      params: newPolicy,
      status: 200,
      response: policyResponse,
      handle: async (actor, { id, ...given }) =>
        policyBody(await policies.save(actor, ownerOf(id), inputOf(given))),
    }),
    endpoint({
      method: 'DELETE',
      path,
      summary: 'Ask for no signatures of images of a virtual registry; for Maintainers',
      pathParams: recordId,
      status: 204,
      handle: (actor, { id }) => policies.remove(actor, ownerOf(id)),
    }),
  ];
}

export function projectSignatureEndpoints(policies: SignaturePolicyService): readonly Endpoint[] {
  const path = '/projects/:id/signature_policy';
  const ownerOf = (reference: string) => ({ kind: 'project', reference }) as const;
  return [
    endpoint({
      method: 'GET',
      path,
      summary: 'Which signatures images of a project need to be pulled; for Maintainers',
      pathParams: projectId,
      status: 200,
      response: policyResponse,
      handle: async (actor, { id }) => policyBody(await policies.get(actor, ownerOf(id))),
    }),
    endpoint({
      method: 'PUT',
      path,
      summary: 'Say which signatures images of a project need to be pulled; for Maintainers',
      pathParams: projectId,
      params: newPolicy,
      status: 200,
      response: policyResponse,
      handle: async (actor, { id, ...given }) =>
        policyBody(await policies.save(actor, ownerOf(id), inputOf(given))),
    }),
    endpoint({
      method: 'DELETE',
      path,
      summary: 'Ask for no signatures of images of a project; for Maintainers',
      pathParams: projectId,
      status: 204,
      handle: (actor, { id }) => policies.remove(actor, ownerOf(id)),
    }),
  ];
}

function inputOf({ mode, trustedRoot, ...trusted }: NewPolicy): SignaturePolicyInput {
  return { mode, trust: { ...trusted, trustedRoot: trustedRoot ?? undefined } };
}

function policyBody({ mode, trust, updatedAt }: SignaturePolicy): AnswerOf<typeof policyResponse> {
  const { cosignKeys, identities, trustedRoot = null } = trust;
  return { mode, cosignKeys, identities, trustedRoot, updatedAt };
}
