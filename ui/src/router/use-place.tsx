/** The place as components see it, and the ways to another. */
import { type ComponentChildren, createContext } from 'preact';
import { useCallback, useContext, useEffect, useState } from 'preact/hooks';
import { changed, hrefOf, type Place, placeOf, type QueryChanges } from './place.ts';

const PlaceContext = createContext<Place>(placeOf(''));

export function PlaceProvider({ children }: { readonly children: ComponentChildren }) {
  const [place, setPlace] = useState(() => placeOf(location.hash));
  useEffect(() => {
    const look = () => setPlace(placeOf(location.hash));
    addEventListener('hashchange', look);
    return () => removeEventListener('hashchange', look);
  }, []);
  return <PlaceContext.Provider value={place}>{children}</PlaceContext.Provider>;
}

export function usePlace(): Place {
  return useContext(PlaceContext);
}

/** @param href as `hrefTo` gives it */
export function goTo(href: string): void {
  location.hash = href;
}

/** The query of the place, and a way to change it that leaves no trace in the history. */
export function useQuery(): readonly [URLSearchParams, (changes: QueryChanges) => void] {
  const { query } = usePlace();
  const change = useCallback((changes: QueryChanges) => {
    const now = placeOf(location.hash);
    location.replace(hrefOf({ path: now.path, query: changed(now.query, changes) }));
  }, []);
  return [query, change];
}
