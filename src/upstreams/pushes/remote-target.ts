/** A registry that is pushed to: an upstream whose repositories are written, too, and which need not list referrers by itself. */
import { algorithmOf, type Digest, digestOf } from '../../oci/digest.ts';
import { parseManifest } from '../../oci/manifest.ts';
import { ociIndex } from '../../oci/media-types.ts';
import type { RepositoryName, Tag } from '../../oci/reference.ts';
import { fallbackTag } from '../../oci/referrers.ts';
import { Registry, type UpstreamOptions } from '../registry.ts';
import { RemoteUpstream } from '../remote-upstream.ts';
import type { UpstreamSettings } from '../upstream.ts';
import { PushRequests } from './push-requests.ts';

export class RemoteTarget extends RemoteUpstream {
  readonly pushes: PushRequests;

  constructor(settings: UpstreamSettings, options: UpstreamOptions) {
    const registry = new Registry(settings, { ...options, actions: 'pull,push' });
    super(settings, options, registry);
    this.pushes = new PushRequests(registry);
  }

  /**
   * By its digest where it has no tag. What has a subject is listed as its referrer afterwards, where need be by the fallback tag:
   * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests-with-subject
   * @throws OutboundError or the signal's reason
   */
  async putManifest(
    repository: RepositoryName,
    digest: Digest,
    payload: Buffer,
    tags: readonly Tag[],
    signal: AbortSignal,
  ): Promise<void> {
    const { mediaType, subject, artifactType, annotations } = parseManifest(payload, undefined);
    const pushed = { payload, mediaType };
    let isListed = true;
    for (const reference of tags.length > 0 ? tags : [digest])
      isListed = await this.pushes.putManifest(repository, reference, digest, pushed, signal);
    if (subject === undefined || isListed) return;
    const descriptor = { mediaType, digest, size: payload.length, artifactType, annotations };
    await this.#list(repository, subject, descriptor, signal);
  }

  async #list(
    repository: RepositoryName,
    subject: Digest,
    descriptor: { readonly digest: Digest },
    signal: AbortSignal,
  ): Promise<void> {
    const listed = await this.listReferrers(repository, subject, signal);
    if (listed.some(({ digest }) => digest === descriptor.digest)) return;
    const manifests = [...listed, descriptor];
    const payload = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: ociIndex, manifests }));
    const digest = digestOf(payload, algorithmOf(subject));
    const index = { payload, mediaType: ociIndex };
    await this.pushes.putManifest(repository, fallbackTag(subject), digest, index, signal);
  }
}
