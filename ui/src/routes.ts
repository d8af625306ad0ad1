/** All pages by their paths. Each comes with code of its own, when it is first shown. */
import type { Route } from './router/route.ts';

export const routes: readonly Route[] = [
  {
    pattern: '/',
    load: () => import('./pages/overview/overview-page.tsx').then((page) => page.OverviewPage),
  },
  {
    pattern: '/registries',
    load: () => import('./pages/registries/registries-page.tsx').then((page) => page.RegistriesPage),
  },
  {
    pattern: '/registries/:id',
    load: () => import('./pages/registries/registry-page.tsx').then((page) => page.RegistryPage),
  },
  {
    pattern: '/tokens',
    load: () => import('./pages/tokens/tokens-page.tsx').then((page) => page.TokensPage),
  },
  {
    pattern: '/groups',
    load: () => import('./pages/groups/groups-page.tsx').then((page) => page.GroupsPage),
  },
  {
    pattern: '/groups/:id',
    load: () => import('./pages/groups/group-page.tsx').then((page) => page.GroupPage),
  },
  {
    pattern: '/projects/:id',
    load: () => import('./pages/projects/project-page.tsx').then((page) => page.ProjectPage),
  },
  {
    pattern: '/projects/:id/hooks/:hook',
    load: () => import('./pages/projects/hook-page.tsx').then((page) => page.HookPage),
  },
  {
    pattern: '/projects/:id/repositories/:repository',
    load: () => import('./pages/repositories/repository-page.tsx').then((page) => page.RepositoryPage),
  },
  {
    pattern: '/projects/:id/repositories/:repository/compare',
    load: () => import('./pages/repositories/compare-page.tsx').then((page) => page.ComparePage),
  },
  {
    pattern: '/projects/:id/repositories/:repository/tags/:tag',
    load: () => import('./pages/repositories/tag-page.tsx').then((page) => page.TagPage),
  },
  {
    pattern: '/administration',
    load: () =>
      import('./pages/administration/administration-page.tsx').then((page) => page.AdministrationPage),
  },
];
