/** Two tags of a repository side by side: what they share and in what they differ. */
import { useAnswer } from '../../api/use-api.ts';
import { LoadState } from '../../components/load-state.tsx';
import { Notice } from '../../components/notice.tsx';
import { Page, Section } from '../../components/page.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { bytesText } from '../../format.ts';
import { hrefTo } from '../../router/place.ts';
import type { PageProps } from '../../router/route.ts';
import { useQuery } from '../../router/use-place.tsx';
import { imageTexts, compareTexts as t } from '../../texts/repositories.ts';
import { trailOf } from '../places/trail.ts';
import { type ComparedImage, compare, type Difference, type SharedLayer } from './comparison.ts';
import { shortDigest } from './image-names.ts';

export function ComparePage({ params }: PageProps) {
  const { id: project = '', repository: id = '' } = params;
  const [query] = useQuery();
  const [leftTag, rightTag] = [query.get('left') ?? '', query.get('right') ?? ''];
  const pathOf = (tag_name: string) => ({ path: { id: project, repository_id: id, tag_name } });
  const operation = 'GET /projects/{id}/registry/repositories/{repository_id}/tags/{tag_name}/image';
  const left = useAnswer(operation, pathOf(leftTag));
  const right = useAnswer(operation, pathOf(rightTag));
  const repository = useAnswer('GET /registry/repositories/{id}', { path: { id } });
  return (
    <Page
      title={t.title}
      intro={repository.data && t.of(repository.data.path)}
      trail={[
        ...trailOf(project, true),
        { label: repository.data?.path ?? id, href: hrefTo(['projects', project, 'repositories', id]) },
      ]}
    >
      <LoadState of={left}>
        {(a) => <LoadState of={right}>{(b) => <Comparison left={a} right={b} />}</LoadState>}
      </LoadState>
    </Page>
  );
}

function Comparison({ left, right }: { readonly left: ComparedImage; readonly right: ComparedImage }) {
  const { isSame, layers, differences, sizeDifference } = compare(left, right);
  const shared = layers.filter(({ side }) => side === 'both');
  const layerColumns: readonly Column<SharedLayer>[] = [
    { key: 'digest', header: imageTexts.digest, cell: ({ digest }) => <code>{shortDigest(digest)}</code> },
    {
      key: 'in',
      header: t.in,
      cell: ({ side }) => (side === 'both' ? t.both : side === 'left' ? left.name : right.name),
    },
    { key: 'size', header: t.size, isNumber: true, cell: ({ size }) => bytesText(size) },
    {
      key: 'command',
      header: imageTexts.command,
      cell: ({ command }) => command && <code class="command">{command}</code>,
    },
  ];
  const differenceColumns: readonly Column<Difference>[] = [
    { key: 'name', header: t.what, cell: ({ name }) => <span class="code">{name}</span> },
    { key: 'left', header: left.name, cell: (each) => <span class="break">{each.left ?? '–'}</span> },
    { key: 'right', header: right.name, cell: (each) => <span class="break">{each.right ?? '–'}</span> },
  ];
  return (
    <>
      {isSame && <Notice kind="good">{t.same}</Notice>}
      <div class="grid">
        {[left, right].map((image, index) => (
          <dl class="card stat" key={index}>
            <dt>{image.name}</dt>
            <dd>{bytesText(image.total_size)}</dd>
            <dd class="stat-note code break">{image.digest}</dd>
            {index === 1 && <dd class="stat-note">{sizeText(sizeDifference)}</dd>}
          </dl>
        ))}
        <dl class="card stat">
          <dt>{t.shared}</dt>
          <dd>{shared.length}</dd>
          <dd class="stat-note">{bytesText(shared.reduce((sum, { size }) => sum + size, 0))}</dd>
        </dl>
      </div>
      <Section title={t.layers}>
        <Table
          label={t.layers}
          columns={layerColumns}
          rows={layers}
          keyOf={({ key }) => key}
          empty={<p class="muted">{t.noLayers}</p>}
        />
      </Section>
      <Section title={t.labels}>
        <div class="pairs">
          <Table
            label={t.labels}
            columns={differenceColumns}
            rows={differences}
            keyOf={({ name }) => name}
            empty={<p class="muted">{t.sameLabels}</p>}
          />
        </div>
      </Section>
    </>
  );
}

function sizeText(difference: number): string {
  if (difference === 0) return t.sameSize;
  return difference > 0 ? t.larger(bytesText(difference)) : t.smaller(bytesText(-difference));
}
