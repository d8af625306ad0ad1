/** What is used of what is allowed. */
import { Progress } from '../../components/progress.tsx';
import { bytesText } from '../../format.ts';
import { placesTexts as t } from '../../texts/places.ts';

interface UsageProps {
  readonly label: string;
  /** Bytes; undefined: whoever looks may not know. */
  readonly used: number | undefined;
  /** Undefined: nothing is said of quotas. Null: there is none. */
  readonly quota?: number | null | undefined;
}

export function Usage({ label, used, quota }: UsageProps) {
  if (used === undefined) return null;
  return (
    <dl class="card stat">
      <dt>{label}</dt>
      <dd>{bytesText(used)}</dd>
      {quota !== undefined && (
        <dd class="stat-note">
          {quota === null ? (
            <span class="muted">{t.noQuota}</span>
          ) : (
            <>
              <Progress done={used} total={quota} label={t.quota} />{' '}
              <span class="muted">{t.quotaOf(bytesText(used), bytesText(quota))}</span>
            </>
          )}
        </dd>
      )}
    </dl>
  );
}
