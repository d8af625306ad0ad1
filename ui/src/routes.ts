/** All pages by their paths. Each comes with code of its own, when it is first shown. */
import type { Route } from './router/route.ts';

export const routes: readonly Route[] = [
  {
    pattern: '/',
    load: () => import('./pages/overview-page.tsx').then((page) => page.OverviewPage),
  },
  {
    pattern: '/tokens',
    load: () => import('./pages/tokens/tokens-page.tsx').then((page) => page.TokensPage),
  },
];
