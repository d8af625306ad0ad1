/** What a quarantine would keep out of what is cached of an upstream, before it is switched on. */
import { z } from 'zod';
import type { Verdict } from '../../admission/verdict.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Digest } from '../../oci/digest.ts';
import { parseReference, type Reference, type RepositoryName } from '../../oci/reference.ts';
import type { QuarantineSettings, UpstreamSettings } from '../../upstreams/upstream.ts';
import type { Actor } from '../acting/actor.ts';
import { Rights } from '../acting/rights.ts';
import { instantText } from '../endpoint/dates.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { recordId } from '../endpoint/parameters.ts';
import type { AnswerOf, CamelCased } from '../endpoint/wire.ts';
import { quarantineFields } from './upstream-fields.ts';
import { demandPatterns } from './upstream-input.ts';
import { quarantineOf, type UpstreamSecrets } from './upstream-settings.ts';

/** Each may take a look at its config. */
const maxJudged = 1000;

export interface CachedTag {
  readonly repository: RepositoryName;
  readonly reference: Reference;
  readonly digest: Digest;
  readonly mediaType: string;
}

/** Says what a quarantine does with tags that are cached; undefined of one that is gone meanwhile. */
export type JudgeCached = (
  upstream: UpstreamSettings,
  groupId: number,
  quarantine: QuarantineSettings,
  tags: readonly CachedTag[],
) => Promise<readonly (Verdict | undefined)[]>;

export interface QuarantinePreviewOptions {
  readonly database: Database;
  readonly secrets: UpstreamSecrets;
  readonly judge: JudgeCached;
}

const trial = z.object(quarantineFields);
const response = z
  .object({
    judged: z.int().meta({ description: 'How many cached tags were looked at' }),
    complete: z.boolean().meta({ description: 'Whether that is all; else those that were used last' }),
    refused: z.array(
      z.object({
        image: z.string(),
        tag: z.string(),
        digest: z.string(),
        reason: z.string(),
        until: instantText.nullable(),
      }),
    ),
  })
  .meta({ id: 'QuarantinePreview' });

export class QuarantinePreviewService {
  readonly #options: QuarantinePreviewOptions;
  readonly #rights = new Rights();

  constructor(options: QuarantinePreviewOptions) {
    this.#options = options;
  }

  /** @param input what is not said is as it is. @throws RefusedError not-found, forbidden, invalid */
  async preview(
    actor: Actor,
    id: number,
    input: CamelCased<z.output<typeof trial>>,
  ): Promise<AnswerOf<typeof response>> {
    const { database, secrets, judge } = this.#options;
    const upstream = await this.#rights.getUpstream(database, actor, id, 'write');
    demandPatterns(input);
    const quarantine = quarantineOf({
      minAgeHours: input.minAgeHours ?? upstream.minAgeHours,
      minAgeExemptPatterns: input.minAgeExemptPatterns ?? upstream.minAgeExemptPatterns,
      minAgeExemptDigests: input.minAgeExemptDigests ?? upstream.minAgeExemptDigests,
      minAgeTrustCreated: input.minAgeTrustCreated ?? upstream.minAgeTrustCreated,
    });
    const found = await database.tagSightings.listCached(id, maxJudged + 1);
    const tags = found
      .slice(0, maxJudged)
      .map((tag) => ({ ...tag, reference: parseReference(tag.reference) }));
    const verdicts = quarantine
      ? await judge(secrets.settingsOf(upstream), upstream.groupId, quarantine, tags)
      : [];
    const refused = tags.flatMap(({ repository: image, reference: tag, digest }, index) => {
      const verdict = verdicts[index];
      return verdict?.kind === 'refused'
        ? [{ image, tag, digest, reason: verdict.reason, until: verdict.until }]
        : [];
    });
    return { judged: tags.length, complete: found.length <= maxJudged, refused };
  }
}

export function quarantinePreviewEndpoints(previews: QuarantinePreviewService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/virtual_registries/container/upstreams/:id/quarantine/preview',
      summary: 'What a quarantine would refuse of what is cached of an upstream; nothing is changed',
      pathParams: recordId,
      params: trial,
      status: 200,
      response,
      handle: (actor, { id, ...input }) => previews.preview(actor, id, input),
    }),
  ];
}
