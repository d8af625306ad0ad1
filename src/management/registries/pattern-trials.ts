/** Which images an upstream would be asked for, before it is stored or changed. Nothing is stored or asked here. */
import { z } from 'zod';
import { Globs } from '../../rules/globs.ts';
import { repositoryAt } from '../../upstreams/repository-names.ts';
import { filled, maxNameLength } from '../endpoint/parameters.ts';
import type { AnswerOf } from '../endpoint/wire.ts';
import { parseImageReference } from './explanation.ts';
import { newUpstream, type UpstreamInput } from './upstream-fields.ts';
import { demandPatterns, parsePrefixes } from './upstream-input.ts';
import { parseUpstreamUrl } from './upstream-url.ts';

export const patternTrial = newUpstream
  .pick({ url: true, allow_patterns: true, deny_patterns: true, strip_prefix: true, add_prefix: true })
  .extend({ image: filled(maxNameLength) });

export const patternTrialResponse = z
  .object({
    repository: z.string().nullable().meta({
      description: 'What patterns are matched with: its name at the upstream; null where it has none there',
    }),
    allowed: z.boolean(),
    allowed_by: z.array(z.string()).meta({ description: 'The allow_patterns that match' }),
    denied_by: z.array(z.string()).meta({ description: 'The deny_patterns that match' }),
  })
  .meta({ id: 'PatternTrial' });

export type PatternTrial = Pick<
  UpstreamInput,
  'allowPatterns' | 'denyPatterns' | 'stripPrefix' | 'addPrefix'
> & {
  readonly url: string;
  /** As people write it. */
  readonly image: string;
};

/** @throws RefusedError bad-request for what is no image, invalid for what is no URL, pattern or prefix */
export function tryPatterns(trial: PatternTrial): AnswerOf<typeof patternTrialResponse> {
  const { allowPatterns = [], denyPatterns = [] } = trial;
  const url = parseUpstreamUrl(trial.url);
  demandPatterns({ allowPatterns, denyPatterns });
  const { stripPrefix, addPrefix } = parsePrefixes(trial);
  const names = { url, stripPrefix: stripPrefix ?? undefined, addPrefix: addPrefix ?? undefined };
  const repository = repositoryAt(names, parseImageReference(trial.image).image);
  const matching = (texts: readonly string[]) =>
    repository === undefined ? [] : texts.filter((text) => Globs.parse([text]).matches(repository));
  const [allowedBy, deniedBy] = [matching(allowPatterns), matching(denyPatterns)];
  const isAllowed = allowPatterns.length === 0 || allowedBy.length > 0;
  const allowed = repository !== undefined && deniedBy.length === 0 && isAllowed;
  return { repository, allowed, allowedBy, deniedBy };
}
