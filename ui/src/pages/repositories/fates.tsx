/** Which tags would go, which would stay, and by which rule each. */
import type { Answer } from '../../api/api.ts';
import { Badge } from '../../components/badge.tsx';
import { Instant } from '../../components/values.tsx';
import { tagsTexts as t } from '../../texts/repositories.ts';

type Preview = Extract<
  Answer<'DELETE /projects/{id}/registry/repositories/{repository_id}/tags'>,
  { readonly delete: unknown }
>;

interface Fate {
  readonly name: string;
  readonly last_published_at: string;
  readonly rule?: string;
  readonly repository?: string;
}

/** Lists show so many, and how many more there are. */
const maxShown = 100;

interface FatesProps {
  readonly of: {
    readonly delete_count: number;
    readonly keep_count: number;
    readonly delete: readonly Fate[];
    readonly keep: readonly Fate[];
  };
}

export type DeletionPreview = Preview;

export function Fates({ of }: FatesProps) {
  return (
    <div class="fates">
      <Part title={t.goes(of.delete_count)} count={of.delete_count} tags={of.delete} tone="bad" />
      <Part title={t.stays(of.keep_count)} count={of.keep_count} tags={of.keep} tone="good" />
    </div>
  );
}

interface PartProps {
  readonly title: string;
  readonly count: number;
  readonly tags: readonly Fate[];
  readonly tone: 'good' | 'bad';
}

function Part({ title, count, tags, tone }: PartProps) {
  const shown = tags.slice(0, maxShown);
  return (
    <section>
      <h3>
        <Badge tone={tone}>{title}</Badge>
      </h3>
      {shown.length > 0 && (
        <ul class="fate-list" tabIndex={0} aria-label={title}>
          {shown.map(({ name, last_published_at: at, rule, repository }) => (
            <li key={`${repository} ${name}`}>
              <span class="break">{repository === undefined ? name : `${repository}:${name}`}</span>
              <span class="muted">
                {rule !== undefined && `${t.rules.get(rule) ?? rule} · `}
                <Instant at={at} />
              </span>
            </li>
          ))}
          {count > shown.length && <li class="muted">{t.more(count - shown.length)}</li>}
        </ul>
      )}
    </section>
  );
}
