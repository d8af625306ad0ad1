/** Images that are fetched before anybody asks for them: asked for here, and how far each is. */
import { useState } from 'preact/hooks';
import type { Answer, ItemOf } from '../../api/api.ts';
import { apiErrorOf, useAnswer, useApi } from '../../api/use-api.ts';
import { Badge } from '../../components/badge.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { TextArea, TextField } from '../../components/fields.tsx';
import { Form } from '../../components/form.tsx';
import { LoadState } from '../../components/load-state.tsx';
import { Section } from '../../components/page.tsx';
import { Progress } from '../../components/progress.tsx';
import { RowAction } from '../../components/row-action.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { useToast } from '../../components/toast.tsx';
import { Bytes, Instant } from '../../components/values.tsx';
import { numberText } from '../../format.ts';
import { prewarmTexts as t } from '../../texts/caches.ts';

type Prewarm = ItemOf<'GET /virtual_registries/container/registries/{id}/prewarms'>;
type Image =
  Answer<'GET /virtual_registries/container/registries/{id}/prewarms/{prewarm_id}'>['images'][number];

const pollMs = 2000;
const tones = { waiting: 'plain', done: 'good', failed: 'bad' } as const;

interface PrewarmsProps {
  readonly registryId: number;
  readonly mayChange: boolean;
}

export function Prewarms({ registryId, mayChange }: PrewarmsProps) {
  const api = useApi();
  const tell = useToast();
  const [shown, setShown] = useState<number>();
  const path = { id: registryId };
  const prewarms = useAnswer('GET /virtual_registries/container/registries/{id}/prewarms', { path }, pollMs);
  const remove = async (id: number) => {
    try {
      await api.call('DELETE /virtual_registries/container/registries/{id}/prewarms/{prewarm_id}', {
        path: { ...path, prewarm_id: id },
      });
      tell(t.cancelled);
    } catch (error) {
      tell(apiErrorOf(error).message);
    }
    prewarms.reload();
  };
  const actions: Column<Prewarm> = {
    key: 'actions',
    header: t.actions,
    cell: ({ id, ended_at, next_run_at }) => (
      <>
        <RowAction name={t.show} of={String(id)} onClick={() => setShown(id)} />{' '}
        {mayChange && (
          <RowAction
            name={ended_at !== null && next_run_at === null ? t.forget : t.cancel}
            of={String(id)}
            onClick={() => remove(id)}
          />
        )}
      </>
    ),
  };
  return (
    <Section title={t.title} intro={t.intro}>
      <LoadState of={prewarms}>
        {(rows) => (
          <Table
            label={t.title}
            columns={[...columns, actions]}
            rows={rows}
            keyOf={({ id }) => id}
            empty={<p class="muted">{t.none}</p>}
          />
        )}
      </LoadState>
      {mayChange && <NewPrewarm registryId={registryId} onMade={prewarms.reload} />}
      {shown !== undefined && (
        <Images registryId={registryId} prewarmId={shown} onClose={() => setShown(undefined)} />
      )}
    </Section>
  );
}

function NewPrewarm({ registryId, onMade }: { readonly registryId: number; readonly onMade: () => void }) {
  const api = useApi();
  return (
    <div class="card">
      <Form
        action={t.add}
        onSubmit={async (values) => {
          await api.call('POST /virtual_registries/container/registries/{id}/prewarm', {
            path: { id: registryId },
            body: {
              images: values.lines('images'),
              platforms: values
                .text('platforms')
                .split(/[\s,]+/)
                .filter(Boolean),
              every_hours: values.number('every_hours') ?? null,
            },
          });
          onMade();
        }}
      >
        <TextArea name="images" label={t.images} hint={t.imagesHint} isRequired />
        <div class="columns">
          <TextField name="platforms" label={t.platforms} hint={t.platformsHint} />
          <TextField
            name="every_hours"
            label={t.everyHours}
            hint={t.everyHoursHint}
            type="number"
            min={1}
            max={8784}
          />
        </div>
      </Form>
    </div>
  );
}

function Images({
  registryId,
  prewarmId,
  onClose,
}: {
  readonly registryId: number;
  readonly prewarmId: number;
  readonly onClose: () => void;
}) {
  const path = { id: registryId, prewarm_id: prewarmId };
  const prewarm = useAnswer(
    'GET /virtual_registries/container/registries/{id}/prewarms/{prewarm_id}',
    { path },
    pollMs,
  );
  return (
    <Dialog title={t.detailTitle(prewarmId)} onClose={onClose} isWide>
      <LoadState of={prewarm}>
        {({ images }) => (
          <Table label={t.images} columns={imageColumns} rows={images} keyOf={({ image }) => image} />
        )}
      </LoadState>
    </Dialog>
  );
}

const columns: readonly Column<Prewarm>[] = [
  { key: 'number', header: t.number, cell: ({ id }) => id, isNumber: true },
  {
    key: 'progress',
    header: t.progress,
    cell: ({ id, done, failed, waiting }) => (
      <>
        <Progress done={done + failed} total={done + failed + waiting} label={t.progressOf(id)} />
        <p class="muted">{t.counts(numberText(done), numberText(failed), numberText(waiting))}</p>
      </>
    ),
  },
  {
    key: 'platforms',
    header: t.platforms,
    cell: ({ platforms }) => (platforms.length === 0 ? t.all : platforms.join(', ')),
  },
  { key: 'bytes', header: t.bytes, cell: ({ bytes }) => <Bytes value={bytes} />, isNumber: true },
  { key: 'started', header: t.started, cell: ({ started_at }) => <Instant at={started_at} /> },
  { key: 'next', header: t.next, cell: ({ next_run_at }) => <Instant at={next_run_at} /> },
];

const imageColumns: readonly Column<Image>[] = [
  { key: 'image', header: t.image, cell: ({ image }) => <code class="break">{image}</code> },
  {
    key: 'status',
    header: t.status,
    cell: ({ status }) => <Badge tone={tones[status]}>{t.states[status]}</Badge>,
  },
  { key: 'reason', header: t.reason, cell: ({ reason }) => <span class="break">{reason}</span> },
  {
    key: 'due',
    header: t.due,
    cell: ({ due_at, reason }) => reason !== null && due_at && <Instant at={due_at} />,
  },
  { key: 'bytes', header: t.bytes, cell: ({ bytes }) => <Bytes value={bytes} />, isNumber: true },
];
