/** Views of one thing, each with an address. */
import { useEffect, useRef } from 'preact/hooks';
import { hrefOf } from '../router/place.ts';
import { usePlace } from '../router/use-place.tsx';

export interface Tab {
  /** In the address; the first has none. */
  readonly id: string;
  readonly label: string;
}

/** The tab that the address names, or the first. */
export function useTab(tabs: readonly Tab[]): string {
  const { query } = usePlace();
  const named = query.get('tab');
  return tabs.find(({ id }) => id === named)?.id ?? tabs[0]?.id ?? '';
}

export function Tabs({ tabs, label }: { readonly tabs: readonly Tab[]; readonly label: string }) {
  const { path } = usePlace();
  const current = useTab(tabs);
  const nav = useRef<HTMLElement>(null);
  // Where there is little room, tabs scroll.
  useEffect(() => {
    const link = nav.current?.querySelector('[aria-current]');
    link?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [current]);
  return (
    <nav ref={nav} class="tabs" aria-label={label}>
      {tabs.map(({ id, label: text }, index) => (
        <a
          key={id}
          href={hrefOf({ path, query: new URLSearchParams(index === 0 ? {} : { tab: id }) })}
          aria-current={id === current ? 'page' : undefined}
        >
          {text}
        </a>
      ))}
    </nav>
  );
}
