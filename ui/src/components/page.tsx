/** The frame of a page: its title, what can be done with it, and the focus that a new page takes so that screen readers tell of it. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { shell } from '../texts/shell.ts';

export interface TrailStep {
  readonly label: string;
  readonly href: string;
}

interface PageFrameProps {
  readonly title: string;
  /** A sentence below the title. */
  readonly intro?: ComponentChildren;
  /** What leads here, from the top. */
  readonly trail?: readonly TrailStep[];
  readonly actions?: ComponentChildren;
  readonly children?: ComponentChildren;
}

export function Page({ title, intro, trail = [], actions, children }: PageFrameProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Entrepot`;
  }, [title]);
  useEffect(() => {
    // Not where someone is in the middle of something, such as at the first page of a visit.
    if (document.activeElement !== document.body || history.length > 1)
      heading.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, []);
  return (
    <div class="page">
      {trail.length > 0 && (
        <nav class="trail" aria-label={shell.trail}>
          <ol>
            {trail.map(({ label, href }) => (
              <li key={href}>
                <a href={href}>{label}</a>
              </li>
            ))}
          </ol>
        </nav>
      )}
      <header class="page-header">
        <div>
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
          {intro && <p class="muted">{intro}</p>}
        </div>
        {actions && <div class="actions">{actions}</div>}
      </header>
      {children}
    </div>
  );
}

/** A part of a page with a heading of its own. */
export function Section({
  title,
  actions,
  intro,
  children,
}: {
  readonly title: string;
  readonly actions?: ComponentChildren;
  readonly intro?: ComponentChildren;
  readonly children: ComponentChildren;
}) {
  return (
    <section class="section">
      <header class="section-header">
        <h2>{title}</h2>
        {actions && <div class="actions">{actions}</div>}
      </header>
      {intro && <p class="muted">{intro}</p>}
      {children}
    </section>
  );
}
