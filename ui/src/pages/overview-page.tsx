import { Page } from '../components/page.tsx';
import { shell } from '../texts/shell.ts';

export function OverviewPage() {
  return <Page title={shell.overview} />;
}
