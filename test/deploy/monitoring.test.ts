/** Alerts and dashboards: they ask for metrics that there are, alerts fire for what they are for, and each leads to what is to be done. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { createMetrics } from '../../src/app/metrics/metrics.ts';
import { missing, run } from '../e2e/support/processes.ts';
import { root } from './support/container.ts';

const folder = join(root, 'deploy/helm/monitoring');
const alerts = join(folder, 'alerts.yaml');
const played = join(import.meta.dirname, 'alerts.test.yaml');

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string; readonly runbook_url: string };
}

const rules: readonly Alert[] = parse(readFileSync(alerts, 'utf8')).groups.flatMap(
  (group: { rules: readonly Alert[] }) => group.rules,
);

const absent = await missing('promtool');
if (absent.length > 0) console.log('alerts are not played: no promtool, which Debian has in prometheus');

test.skipIf(absent.length > 0)(
  'each alert fires for its fault, and for nothing else that is played',
  async () => {
    await run('promtool', ['check', 'rules', alerts]);
    await run('promtool', ['test', 'rules', played]);
  },
);

test('each alert is played', () => {
  const tests: readonly { alert_rule_test: readonly { alertname: string; exp_alerts?: unknown }[] }[] = parse(
    readFileSync(played, 'utf8'),
  ).tests;
  const fired = tests.flatMap(({ alert_rule_test }) =>
    alert_rule_test.filter(({ exp_alerts }) => exp_alerts).map(({ alertname }) => alertname),
  );
  expect([...new Set(fired)].toSorted()).toEqual(rules.map(({ alert }) => alert).toSorted());
});

test('each alert leads to a section of the documents', () => {
  const headings = readFileSync(join(root, 'docs/operations.md'), 'utf8').matchAll(/^#+ (.*)$/gm);
  const anchors = [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  );
  const leads = rules.map(({ annotations }) => annotations.runbook_url);
  expect(leads.filter((url) => !anchors.includes(url.replace('docs/operations.md#', '')))).toEqual([]);
});

const rendered = await createMetrics().render();
const exposed = new Set(
  [...rendered.matchAll(/^# TYPE (\S+) (\S+)/gm)].flatMap(([, name = '', type]) =>
    type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => `${name}${end}`) : [name],
  ),
);

function metricsIn(expression: string): readonly string[] {
  return expression.match(/\b(?:entrepot|nodejs|process)_\w+/g) ?? [];
}

test('alerts ask for metrics that there are', () => {
  const asked = rules.flatMap(({ expr }) => metricsIn(expr));
  expect(asked.length).toBeGreaterThan(rules.length - 2);
  expect(asked.filter((name) => !exposed.has(name))).toEqual([]);
});

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

const dashboards = readdirSync(folder).filter((file) => file.endsWith('.json'));

test.each(dashboards)('each panel of %s asks for metrics that there are', (file) => {
  const panels: readonly Panel[] = JSON.parse(readFileSync(join(folder, file), 'utf8')).panels;
  for (const { title, targets = [] } of panels) {
    for (const { expr } of targets) {
      const asked = metricsIn(expr);
      expect(asked.length, `${title}: ${expr}`).toBeGreaterThan(0);
      expect(
        asked.filter((name) => !exposed.has(name)),
        title,
      ).toEqual([]);
    }
  }
});
