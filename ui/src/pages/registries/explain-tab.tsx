/** Says how a pull of an image would be answered now, and why. */

import type { Answer } from '../../api/api.ts';
import { useAnswer } from '../../api/use-api.ts';
import { Badge } from '../../components/badge.tsx';
import { TextField } from '../../components/fields.tsx';
import { Form } from '../../components/form.tsx';
import { LoadState } from '../../components/load-state.tsx';
import { Notice } from '../../components/notice.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Instant } from '../../components/values.tsx';
import { useQuery } from '../../router/use-place.tsx';
import { explainTexts as t } from '../../texts/registries.ts';

type Explanation = Answer<'GET /virtual_registries/container/registries/{id}/explain'>;
type Judgement = NonNullable<Explanation['admission']>[number];
type Step = Explanation['upstreams'][number];

export function ExplainTab({ registryId }: { readonly registryId: number }) {
  const [query, change] = useQuery();
  const image = query.get('image') ?? '';
  const explanation = useAnswer(
    'GET /virtual_registries/container/registries/{id}/explain',
    image === '' ? undefined : { path: { id: registryId }, query: { image } },
  );
  return (
    <div class="section">
      <p class="muted">{t.intro}</p>
      <Form
        action={t.action}
        onSubmit={async (values) => {
          if (values.text('image') === image) explanation.reload();
          else change({ image: values.text('image') });
        }}
      >
        <TextField
          name="image"
          label={t.image}
          hint={t.imageHint}
          value={image}
          placeholder="library/alpine:3.20"
          isRequired
        />
      </Form>
      {image !== '' && <LoadState of={explanation}>{(data) => <Walk of={data} />}</LoadState>}
    </div>
  );
}

function Walk({ of: { image, reference, upstreams, verdict, admission } }: { readonly of: Explanation }) {
  const winner = upstreams.find(({ id }) => id === verdict.upstream_id);
  return (
    <>
      <Notice kind={verdict.source === null ? 'warn' : 'good'}>
        <p>
          <code>{`${image}${reference.startsWith('sha') ? '@' : ':'}${reference}`}</code>{' '}
          <strong>{verdict.source === null ? t.nothing : t.sources[verdict.source]}</strong>
          {winner && ` (${winner.name})`}
        </p>
        <p>{verdict.why}</p>
        {verdict.digest && <code>{verdict.digest}</code>}
      </Notice>
      {admission && admission.length > 0 && (
        <>
          <h2>{t.admission}</h2>
          <Table label={t.admission} columns={judged} rows={admission} keyOf={({ policy }) => policy} />
        </>
      )}
      <h2>{t.walk}</h2>
      <Table label={t.walk} columns={columns} rows={upstreams} keyOf={({ id }) => id} />
    </>
  );
}

const tones = { admitted: 'good', warned: 'warn', refused: 'bad' } as const;

const judged: readonly Column<Judgement>[] = [
  { key: 'policy', header: t.policy, cell: ({ policy }) => t.policies[policy] },
  {
    key: 'verdict',
    header: t.verdict,
    cell: ({ verdict }) => <Badge tone={tones[verdict]}>{t.verdictOf[verdict]}</Badge>,
  },
  { key: 'reason', header: t.reason, cell: ({ reason }) => reason },
  { key: 'evidence', header: t.evidence, cell: ({ evidence }) => evidence },
  { key: 'since', header: t.since, cell: ({ since }) => since && <Instant at={since} /> },
  { key: 'until', header: t.until, cell: ({ until }) => until && <Instant at={until} /> },
];

const columns: readonly Column<Step>[] = [
  { key: 'position', header: '#', cell: ({ position }) => position },
  { key: 'name', header: t.upstream, cell: ({ name }) => name },
  { key: 'repository', header: t.repository, cell: ({ repository }) => <code>{repository}</code> },
  {
    key: 'allowed',
    header: t.allowed,
    cell: ({ allowed }) => (
      <Badge tone={allowed ? 'good' : 'bad'}>{allowed ? t.isAllowed : t.isDenied}</Badge>
    ),
  },
  {
    key: 'entry',
    header: t.cached,
    cell: ({ entry }) =>
      entry ? (
        <span>
          <Badge tone={entry.fresh ? 'good' : 'warn'}>{entry.fresh ? t.fresh : t.stale}</Badge> {t.checked}{' '}
          <Instant at={entry.checked_at} />
        </span>
      ) : (
        t.notCached
      ),
  },
  { key: 'asked', header: t.asked, cell: ({ would_ask }) => (would_ask ? t.isAsked : t.isNotAsked) },
  {
    key: 'answer',
    header: t.answer,
    cell: ({ answer }) =>
      answer && (
        <span>
          <Badge tone={answer.result === 'found' ? 'good' : 'warn'}>{t.results[answer.result]}</Badge>{' '}
          {answer.message}
        </span>
      ),
  },
];
