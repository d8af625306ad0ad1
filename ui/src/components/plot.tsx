/** Amounts over time as stacked bars: plain SVG, so that nothing of it needs a style or a script that the page's policy forbids. */
import { useState } from 'preact/hooks';
import { instantText } from '../format.ts';
import { shell } from '../texts/shell.ts';

export interface PlotSeries {
  readonly name: string;
  /** One for each of the plot's instants. */
  readonly values: readonly number[];
}

interface PlotProps {
  readonly title: string;
  /** When each step began; epoch milliseconds. */
  readonly instants: readonly number[];
  readonly series: readonly PlotSeries[];
  readonly format: (value: number) => string;
}

const height = 120;
const step = 6;
/** Of a step; the rest is between it and the next. */
const barWidth = 5;

export function Plot({ title, instants, series, format }: PlotProps) {
  const [chosen, setCursor] = useState<number>();
  const last = instants.length - 1;
  // There may be fewer steps now than when it was chosen.
  const cursor = chosen !== undefined && chosen <= last ? chosen : undefined;
  const totals = series.map(({ values }) => values.reduce((sum, value) => sum + value, 0));
  const heights = instants.map((_, index) =>
    series.reduce((sum, { values }) => sum + (values[index] ?? 0), 0),
  );
  const highest = Math.max(...heights, 1);
  const summary = series.map(({ name }, index) => `${name}: ${format(totals[index] ?? 0)}`).join(', ');
  const move = (event: KeyboardEvent) => {
    const by = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : 0;
    if (by === 0) return;
    event.preventDefault();
    setCursor(Math.min(last, Math.max(0, (cursor ?? last) + by)));
  };
  const point = (event: PointerEvent & { readonly currentTarget: SVGElement }) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    setCursor(Math.min(last, Math.max(0, Math.floor(((event.clientX - left) / width) * instants.length))));
  };
  const at = cursor === undefined ? undefined : instants[cursor];
  return (
    <figure class="plot card">
      <figcaption>
        <h3>{title}</h3>
        <span class="muted">{shell.plotHighest(format(Math.max(...heights, 0)))}</span>
      </figcaption>
      <svg
        viewBox={`0 0 ${Math.max(instants.length, 1) * step} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title}. ${summary}. ${shell.plotCursor}`}
        tabIndex={0}
        onKeyDown={move}
        onPointerMove={point}
        onPointerLeave={() => setCursor(undefined)}
        onBlur={() => setCursor(undefined)}
      >
        {instants.map((instant, index) => (
          <Bar key={instant} index={index} series={series} highest={highest} isHere={index === cursor} />
        ))}
      </svg>
      <p class="readout" aria-live="polite">
        {at === undefined ? shell.plotTotal : instantText(at)}
      </p>
      <ul class="legend">
        {series.map(({ name, values }, index) => (
          <li key={name} class={`series-${index + 1}`}>
            {name}{' '}
            <strong class="number">
              {format(cursor === undefined ? (totals[index] ?? 0) : (values[cursor] ?? 0))}
            </strong>
          </li>
        ))}
      </ul>
    </figure>
  );
}

interface BarProps {
  readonly index: number;
  readonly series: readonly PlotSeries[];
  readonly highest: number;
  readonly isHere: boolean;
}

function Bar({ index, series, highest, isHere }: BarProps) {
  let top = height;
  return (
    <g>
      {isHere && <rect class="here" x={index * step} y={0} width={step} height={height} />}
      {series.map(({ name, values }, order) => {
        const length = ((values[index] ?? 0) / highest) * height;
        top -= length;
        return length > 0 ? (
          <rect
            key={name}
            class={`series-${order + 1}`}
            x={index * step}
            y={top}
            width={barWidth}
            height={length}
          />
        ) : null;
      })}
    </g>
  );
}
