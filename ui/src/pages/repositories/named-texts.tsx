/** Labels or annotations: what a pusher wrote, as it was written. */
import { Section } from '../../components/page.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { imageTexts as t } from '../../texts/repositories.ts';

interface NamedTextsProps {
  readonly title: string;
  readonly texts: Readonly<Record<string, string>>;
  /** Undefined: where there are none, nothing is shown. */
  readonly empty?: string;
}

const columns: readonly Column<readonly [string, string]>[] = [
  { key: 'name', header: t.name, cell: ([name]) => <span class="code">{name}</span> },
  { key: 'value', header: t.value, cell: ([, value]) => <span class="break">{value}</span> },
];

export function NamedTexts({ title, texts, empty }: NamedTextsProps) {
  const rows = Object.entries(texts).toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (rows.length === 0 && empty === undefined) return null;
  return (
    <Section title={title}>
      <div class="pairs">
        <Table
          label={title}
          columns={columns}
          rows={rows}
          keyOf={([name]) => name}
          empty={<p class="muted">{empty}</p>}
        />
      </div>
    </Section>
  );
}
