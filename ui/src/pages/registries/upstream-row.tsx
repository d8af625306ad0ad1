/** An upstream at its place: what it is, how it does, and what can be done with it. */
import { Badge, type Tone } from '../../components/badge.tsx';
import { RowAction } from '../../components/row-action.tsx';
import { Facts, Instant } from '../../components/values.tsx';
import { durationText, numberText } from '../../format.ts';
import { upstreamTexts as t } from '../../texts/registries.ts';
import { shell } from '../../texts/shell.ts';
import type { PlacedUpstream } from './placed-upstream.ts';

interface UpstreamRowProps {
  readonly upstream: PlacedUpstream;
  readonly mayChange: boolean;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly isDragged: boolean;
  readonly onDragStart: () => void;
  readonly onDragEnd: () => void;
  readonly onDrop: () => void;
  readonly onMove: (by: 1 | -1) => void;
  readonly onAsk: (what: 'edit' | 'delete' | 'take-out') => void;
}

export function UpstreamRow(props: UpstreamRowProps) {
  const { upstream, mayChange, isFirst, isLast, isDragged, onMove, onAsk } = props;
  const { name, url, description, registry_upstream: place } = upstream;
  return (
    <li
      class={isDragged ? 'card upstream dragged' : 'card upstream'}
      draggable={mayChange}
      onDragStart={(event) => {
        event.dataTransfer?.setData('text/plain', name);
        props.onDragStart();
      }}
      onDragEnd={props.onDragEnd}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        props.onDrop();
      }}
    >
      <div class="order">
        <button
          type="button"
          class="small"
          disabled={isFirst || !mayChange}
          aria-label={t.up(name)}
          onClick={() => onMove(-1)}
        >
          ↑
        </button>
        <span class="number" title={t.position(place.position)}>
          {place.position}
        </span>
        <button
          type="button"
          class="small"
          disabled={isLast || !mayChange}
          aria-label={t.down(name)}
          onClick={() => onMove(1)}
        >
          ↓
        </button>
      </div>
      <div class="section">
        <div class="section-header">
          <div>
            <h2>
              {name} <Breaker health={upstream.health} />{' '}
              {upstream.min_age_hours > 0 && <Badge>{t.minAgeShown(upstream.min_age_hours)}</Badge>}
            </h2>
            <code>{url}</code>
            {description && <p class="muted">{description}</p>}
          </div>
          {mayChange && (
            <div class="actions">
              <RowAction name={shell.edit} of={name} onClick={() => onAsk('edit')} />
              <RowAction name={t.remove} of={name} onClick={() => onAsk('take-out')} />
              <RowAction name={t.delete} of={name} onClick={() => onAsk('delete')} />
            </div>
          )}
        </div>
        <UpstreamHealth health={upstream.health} />
      </div>
    </li>
  );
}

type Health = PlacedUpstream['health'];

const tones: Readonly<Record<Health['breaker'], Tone>> = { closed: 'good', open: 'bad', 'half-open': 'warn' };

export function Breaker({ health }: { readonly health: Health }) {
  return <Badge tone={tones[health.breaker]}>{t.breaker[health.breaker]}</Badge>;
}

export function Quota({ health: { quota } }: { readonly health: Health }) {
  if (!quota || quota.remaining === null || quota.limit === null)
    return <span class="muted">{t.noQuota}</span>;
  return (
    <>
      {t.quotaOf(numberText(quota.remaining), numberText(quota.limit))}{' '}
      {quota.window_seconds !== null && t.quotaWindow(durationText(quota.window_seconds))}
    </>
  );
}

export function UpstreamHealth({ health }: { readonly health: Health }) {
  const { open_until, last_error, last_success } = health;
  return (
    <Facts
      of={[
        ...(open_until ? [[t.openUntil, <Instant key="until" at={open_until} />] as const] : []),
        [t.lastSuccess, <Instant key="success" at={last_success} />],
        [
          t.lastError,
          last_error ? (
            <>
              <Instant at={last_error.at} />: {last_error.message}
            </>
          ) : (
            <Instant at={null} />
          ),
        ],
        [t.quota, <Quota key="quota" health={health} />],
      ]}
    />
  );
}
