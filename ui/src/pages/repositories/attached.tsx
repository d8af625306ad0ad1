/** What is attached to an image: signatures, SBOMs, attestations. */
import { Snippet } from '../../components/copy-button.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { Section } from '../../components/page.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Bytes } from '../../components/values.tsx';
import { imageTexts as t } from '../../texts/repositories.ts';
import { shortDigest } from './image-names.ts';

interface Referrer {
  readonly digest: string;
  readonly size: number;
  readonly media_type: string;
  readonly artifact_type: string | null;
  readonly kind: string | null;
  readonly found_by: string;
  readonly tag: string | null;
  readonly annotations: Readonly<Record<string, string>>;
}

const columns: readonly Column<Referrer>[] = [
  { key: 'kind', header: t.kind, cell: ({ kind }) => t.kinds.get(kind ?? '') ?? t.otherKind },
  {
    key: 'type',
    header: t.mediaType,
    cell: (referrer) => <span class="code">{referrer.artifact_type ?? referrer.media_type}</span>,
  },
  {
    key: 'found',
    header: t.foundBy,
    cell: ({ found_by: by, tag }) => (
      <>
        {t.foundBys.get(by) ?? by} {tag && <span class="code break">{tag}</span>}
      </>
    ),
  },
  { key: 'size', header: t.size, isNumber: true, cell: ({ size }) => <Bytes value={size} /> },
  { key: 'digest', header: t.digest, cell: ({ digest }) => <span class="code">{shortDigest(digest)}</span> },
  {
    key: 'annotations',
    header: t.annotations,
    cell: ({ annotations }) => (
      <ul>
        {Object.entries(annotations).map(([name, value]) => (
          <li key={name} class="break">
            <span class="code">{name}</span> {value}
          </li>
        ))}
      </ul>
    ),
  },
];

interface AttachedProps {
  readonly of: readonly Referrer[];
  /** By digest, as clients name it. */
  readonly image: string;
}

export function Attached({ of, image }: AttachedProps) {
  return (
    <Section title={t.attached}>
      <Table
        label={t.attached}
        columns={columns}
        rows={of}
        keyOf={({ digest }) => digest}
        empty={
          <EmptyState title={t.noneAttached}>
            <p>{t.noneAttachedHint}</p>
            <Snippet text={t.cosign(image)} label={t.noneAttachedHint} />
          </EmptyState>
        }
      />
    </Section>
  );
}
