/** The way from the top to a place, by its full path. */
import type { TrailStep } from '../../components/page.tsx';
import { hrefTo } from '../../router/place.ts';
import { placesTexts as t } from '../../texts/places.ts';

/** The groups around a group or project. @param withItself whether a project's own step is the last */
export function trailOf(fullPath: string, withItself: boolean): readonly TrailStep[] {
  const segments = fullPath.split('/');
  const around = segments.slice(0, -1).map((label, index) => ({
    label,
    href: hrefTo(['groups', segments.slice(0, index + 1).join('/')]),
  }));
  const itself = { label: segments.at(-1) ?? '', href: hrefTo(['projects', fullPath]) };
  return [{ label: t.title, href: '#/groups' }, ...around, ...(withItself ? [itself] : [])];
}
