/** The keys that sign registry tokens. */
import { useState } from 'preact/hooks';
import type { ItemOf } from '../../api/api.ts';
import { useAnswer, useApi } from '../../api/use-api.ts';
import { Badge } from '../../components/badge.tsx';
import { Confirm } from '../../components/dialog.tsx';
import { LoadState } from '../../components/load-state.tsx';
import { Section } from '../../components/page.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { useToast } from '../../components/toast.tsx';
import { Instant } from '../../components/values.tsx';
import { adminTexts, keysTexts as t } from '../../texts/administration.ts';

type Key = ItemOf<'GET /admin/signing_keys'>;

const columns: readonly Column<Key>[] = [
  { key: 'kid', header: t.kid, cell: ({ kid }) => <span class="code break">{kid}</span> },
  {
    key: 'state',
    header: t.state,
    cell: ({ current, retired_at: at }) =>
      current ? (
        <Badge tone="good">{t.current}</Badge>
      ) : (
        <Badge>{at === null || Date.parse(at) > Date.now() ? t.next : t.retired}</Badge>
      ),
  },
  { key: 'created', header: t.created, cell: (key) => <Instant at={key.created_at} /> },
  { key: 'retired', header: t.retiredAt, cell: (key) => <Instant at={key.retired_at} never="" /> },
  { key: 'ends', header: t.endsAt, cell: (key) => <Instant at={key.ends_at} never="" /> },
];

export function SigningKeys() {
  const api = useApi();
  const tell = useToast();
  const [isAsking, setAsking] = useState(false);
  const keys = useAnswer('GET /admin/signing_keys', {});
  return (
    <Section
      title={adminTexts.keys}
      intro={t.intro}
      actions={
        <button type="button" onClick={() => setAsking(true)}>
          {t.rotate}
        </button>
      }
    >
      <LoadState of={keys}>
        {(items) => (
          <Table
            label={adminTexts.keys}
            columns={columns}
            rows={items}
            keyOf={({ kid }) => kid}
            empty={<p class="muted">{t.empty}</p>}
          />
        )}
      </LoadState>
      {isAsking && (
        <Confirm
          title={t.rotateTitle}
          action={t.rotate}
          onClose={() => setAsking(false)}
          onConfirm={async () => {
            await api.call('POST /admin/signing_keys/rotate', {});
            tell(t.rotated);
            keys.reload();
          }}
        >
          <p>{t.rotateText}</p>
        </Confirm>
      )}
    </Section>
  );
}
