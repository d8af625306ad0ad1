/** The layers of an image, each with the command that made it. */
import { Section } from '../../components/page.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { Bytes, Instant } from '../../components/values.tsx';
import { imageTexts as t } from '../../texts/repositories.ts';
import { shortDigest } from './image-names.ts';
import { type Layer, type LayerStep, type Step, stepsOf } from './layer-steps.ts';

const columns: readonly Column<LayerStep & { readonly number: number }>[] = [
  { key: 'number', header: '#', isNumber: true, cell: ({ number }) => number },
  {
    key: 'command',
    header: t.command,
    cell: ({ step }) =>
      step?.created_by || step?.comment ? (
        <code class="command">{step.created_by ?? step.comment}</code>
      ) : (
        <span class="muted">{t.noHistory}</span>
      ),
  },
  {
    key: 'created',
    header: t.created,
    cell: ({ step }) => step?.created_at && <Instant at={step.created_at} />,
  },
  {
    key: 'size',
    header: t.size,
    isNumber: true,
    cell: ({ layer }) => (layer ? <Bytes value={layer.size} /> : <span class="muted">{t.emptyLayer}</span>),
  },
  {
    key: 'digest',
    header: t.digest,
    cell: ({ layer }) => layer && <span class="code">{shortDigest(layer.digest)}</span>,
  },
  {
    key: 'type',
    header: t.mediaType,
    cell: ({ layer }) => layer && <span class="code">{layer.media_type}</span>,
  },
];

interface LayersProps {
  readonly layers: readonly Layer[];
  readonly history: readonly Step[];
}

export function Layers({ layers, history }: LayersProps) {
  const steps = stepsOf(layers, history).map((step, index) => ({ ...step, number: index + 1 }));
  return (
    <Section title={t.layers} intro={t.layersIntro}>
      <Table
        label={t.layers}
        columns={columns}
        rows={steps}
        keyOf={({ number }) => number}
        empty={<p class="muted">{t.noLayers}</p>}
      />
    </Section>
  );
}
