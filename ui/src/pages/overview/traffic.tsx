/** What was pulled, fetched and saved, as figures and over time. */
import type { ComponentChildren } from 'preact';
import type { Answer } from '../../api/api.ts';
import { useAnswer } from '../../api/use-api.ts';
import { CheckedSelect } from '../../components/checked-select.tsx';
import { Snippet } from '../../components/copy-button.tsx';
import { EmptyState } from '../../components/empty-state.tsx';
import { LoadState } from '../../components/load-state.tsx';
import { Section } from '../../components/page.tsx';
import { Plot } from '../../components/plot.tsx';
import { bytesText, compactText, percentText } from '../../format.ts';
import { useQuery } from '../../router/use-place.tsx';
import { overviewTexts as t } from '../../texts/overview.ts';
import { registryTexts } from '../../texts/registries.ts';
import { shell } from '../../texts/shell.ts';
import { type Arranged, arrange, type Period, periods } from './arrange-traffic.ts';

const pollMs = 30_000;

export function Traffic() {
  const [query, change] = useQuery();
  const period = periods.find((each) => each === query.get('period')) ?? '24h';
  const traffic = useAnswer('GET /admin/traffic', { query: { period } }, pollMs);
  const storage = useAnswer('GET /admin/storage', {});
  return (
    <Section
      title={t.traffic}
      actions={
        <CheckedSelect<Period>
          label={t.period}
          value={period}
          choices={periods.map((each) => [each, t.periods[each]] as const)}
          onChange={(chosen) => change({ period: chosen })}
        />
      }
    >
      <LoadState of={traffic}>
        {(data) => <Figures arranged={arrange(data, period, Date.now())} storage={storage.data} />}
      </LoadState>
    </Section>
  );
}

interface FiguresProps {
  readonly arranged: Arranged;
  readonly storage: Answer<'GET /admin/storage'> | undefined;
}

function Figures({ arranged, storage }: FiguresProps) {
  const { instants, pulls, requests, bytes, hitRate } = arranged;
  return (
    <>
      <dl class="grid narrow">
        <Stat name={t.hitRate} hint={t.hitRateHint}>
          {hitRate === undefined ? '–' : percentText(hitRate)}
        </Stat>
        <Stat name={t.fetched} hint={t.fetchedHint}>
          {bytesText(arranged.fetchedBytes)}
        </Stat>
        <Stat name={t.saved} hint={t.savedHint}>
          {bytesText(arranged.savedBytes)}
        </Stat>
        <Stat name={t.cached} hint={t.cachedHint}>
          {storage ? bytesText(storage.cached_bytes) : shell.loading}
        </Stat>
        <Stat name={t.hosted} hint={t.hostedHint}>
          {storage ? bytesText(storage.hosted_bytes) : shell.loading}
        </Stat>
      </dl>
      {pulls.length === 0 && requests.length === 0 ? (
        <EmptyState title={t.nothing}>
          <p>{t.nothingHint}</p>
          <Snippet text={registryTexts.pullCommand(location.host, 1)} label={registryTexts.pull} />
        </EmptyState>
      ) : (
        <div class="grid">
          <Plot title={t.pullsPlot} instants={instants} series={pulls} format={compactText} />
          <Plot title={t.requestsPlot} instants={instants} series={requests} format={compactText} />
          <Plot title={t.bytesPlot} instants={instants} series={bytes} format={bytesText} />
        </div>
      )}
    </>
  );
}

function Stat({
  name,
  hint,
  children,
}: {
  readonly name: string;
  readonly hint: string;
  readonly children: ComponentChildren;
}) {
  return (
    <div class="card stat">
      <dt>{name}</dt>
      <dd>{children}</dd>
      <dd class="explained">{hint}</dd>
    </div>
  );
}
