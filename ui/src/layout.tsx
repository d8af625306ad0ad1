/** What is around every page: the navigation, who is signed in, and a way past both. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Session } from './api/session.ts';
import { CheckedSelect } from './components/checked-select.tsx';
import { usePlace } from './router/use-place.tsx';
import { shell } from './texts/shell.ts';
import { applyTheme, readTheme, type Theme, themes } from './theme.ts';

interface Destination {
  readonly path: string;
  readonly label: string;
  /** Another path that belongs to it. */
  readonly alsoAt?: string;
  readonly isForAdmins?: boolean;
}

const destinations: readonly Destination[] = [
  { path: '/', label: shell.overview },
  { path: '/registries', label: shell.registries },
  { path: '/groups', label: shell.groups, alsoAt: '/projects' },
  { path: '/administration', label: shell.administration, isForAdmins: true },
];

interface LayoutProps {
  readonly session: Session;
  readonly onSignOut: () => void;
  readonly children: ComponentChildren;
}

export function Layout({ session, onSignOut, children }: LayoutProps) {
  const { path } = usePlace();
  const [isOpen, setOpen] = useState(false);
  useEffect(() => setOpen(false), [path]);
  const isHere = (to: string) => (to === '/' ? path === '/' : path === to || path.startsWith(`${to}/`));
  const shown = destinations.filter(({ isForAdmins }) => !isForAdmins || session.user.is_admin);
  return (
    <div class="layout">
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        {shell.skip}
      </button>
      <header class="bar">
        <a class="brand" href="#/">
          Entrepot
        </a>
        <button
          type="button"
          class="menu-button"
          aria-expanded={isOpen}
          aria-controls="navigation"
          onClick={() => setOpen(!isOpen)}
        >
          {shell.menu}
        </button>
        <div id="navigation" class={isOpen ? 'navigation open' : 'navigation'}>
          <nav aria-label={shell.navigation}>
            <ul>
              {shown.map(({ path: to, label, alsoAt }) => (
                <li key={to}>
                  <a
                    href={`#${to}`}
                    aria-current={isHere(to) || (alsoAt && isHere(alsoAt)) ? 'page' : undefined}
                  >
                    {label}
                  </a>
                </li>
              ))}
              <li>
                <a href="api/docs">{shell.apiDocs}</a>
              </li>
            </ul>
          </nav>
          <nav aria-label={shell.account} class="account">
            <p title={shell.signedInAs(session.user.username)}>{session.user.username}</p>
            <ul>
              <li>
                <a href="#/tokens" aria-current={isHere('/tokens') ? 'page' : undefined}>
                  {shell.tokens}
                </a>
              </li>
              <li>
                <button type="button" class="link" onClick={onSignOut}>
                  {shell.signOut}
                </button>
              </li>
            </ul>
            <ThemeChoice />
          </nav>
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

function ThemeChoice() {
  const [theme, setTheme] = useState<Theme>(readTheme);
  useEffect(() => applyTheme(theme), [theme]);
  return (
    <CheckedSelect
      label={shell.theme}
      value={theme}
      choices={themes.map((each) => [each, shell.themes[each]] as const)}
      onChange={setTheme}
    />
  );
}
