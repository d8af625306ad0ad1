/** Why a blob or a manifest is here, by its digest. */
import type { Answer } from '../../api/api.ts';
import { ApiError } from '../../api/api-error.ts';
import { useApi, useLoaded } from '../../api/use-api.ts';
import { TextField } from '../../components/fields.tsx';
import { FormValues } from '../../components/form.tsx';
import { LoadState } from '../../components/load-state.tsx';
import { Notice } from '../../components/notice.tsx';
import { Section } from '../../components/page.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Bytes, Instant } from '../../components/values.tsx';
import { useQuery } from '../../router/use-place.tsx';
import { collectorTexts as t } from '../../texts/administration.ts';

type Reasons = Answer<'GET /admin/blobs/{digest}/why'>;

interface Explained {
  readonly what: 'blob' | 'manifest';
  readonly reasons: Reasons;
}

export function WhyKept() {
  const api = useApi();
  const [query, change] = useQuery();
  const digest = query.get('digest') ?? '';
  const found = useLoaded<readonly Explained[]>(digest || undefined, async (signal) => {
    const path = { digest };
    const asked = [
      api
        .call('GET /admin/manifests/{digest}/why', { path }, signal)
        .then((reasons) => ({ what: 'manifest', reasons }) as const),
      api
        .call('GET /admin/blobs/{digest}/why', { path }, signal)
        .then((reasons) => ({ what: 'blob', reasons }) as const),
    ];
    const answers = await Promise.allSettled(asked);
    for (const answer of answers)
      if (answer.status === 'rejected' && !isAbsent(answer.reason)) throw answer.reason;
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  });
  return (
    <Section title={t.whyTitle} intro={t.whyIntro}>
      <form
        class="filter long"
        onSubmit={(event) => {
          event.preventDefault();
          change({ digest: new FormValues(new FormData(event.currentTarget)).text('digest') });
        }}
      >
        <TextField name="digest" label={t.digest} placeholder={t.digestPlaceholder} value={digest} />
        <div class="actions">
          <button type="submit">{t.ask}</button>
        </div>
      </form>
      {digest !== '' && (
        <LoadState of={found}>
          {(explained) =>
            explained.length === 0 ? (
              <Notice kind="info">{t.notHere}</Notice>
            ) : (
              explained.map((each) => <Why key={each.what} of={each} />)
            )
          }
        </LoadState>
      )}
    </Section>
  );
}

function isAbsent(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}

const columns: readonly Column<Reasons['repositories'][number]>[] = [
  { key: 'repository', header: t.repository, cell: ({ repository }) => repository },
  {
    key: 'held',
    header: t.heldBy,
    cell: ({ held_by: holders }) =>
      holders.length === 0 ? (
        <span class="muted">{t.nothingHolds}</span>
      ) : (
        <ul>
          {holders.map(({ kind, name }) => (
            <li key={`${kind} ${name}`}>
              {t.holders[kind]} <span class="code break">{name}</span>
            </li>
          ))}
        </ul>
      ),
  },
  {
    key: 'review',
    header: t.review,
    cell: ({ review }) => <Instant at={review?.review_after} never={t.noReview} />,
  },
];

function Why({ of: { what, reasons } }: { readonly of: Explained }) {
  return (
    <div class="card stack">
      <p>
        {what === 'blob' ? t.isBlob : t.isManifest} <Bytes value={reasons.size} />.{' '}
        {reasons.review && (
          <>
            {t.reviewOf} <Instant at={reasons.review.review_after} />.
          </>
        )}
      </p>
      {reasons.repositories.length > 0 && (
        <Table
          label={t.heldIn}
          columns={columns}
          rows={reasons.repositories}
          keyOf={({ repository }) => repository}
        />
      )}
      {reasons.cache_entries.length > 0 && (
        <>
          <h3>{t.cacheEntries}</h3>
          <ul>
            {reasons.cache_entries.map(({ id, repository, reference }) => (
              <li key={id} class="code break">
                {repository}:{reference}
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
