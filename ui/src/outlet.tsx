/** Shows the page of the place, whose code comes when it is first needed. */
import type { ComponentType } from 'preact';
import { useEffect, useErrorBoundary, useState } from 'preact/hooks';
import { Loading } from './components/loading.tsx';
import { Notice } from './components/notice.tsx';
import { Page } from './components/page.tsx';
import { match } from './router/place.ts';
import type { PageProps, Route } from './router/route.ts';
import { usePlace } from './router/use-place.tsx';
import { shell } from './texts/shell.ts';

interface Shown {
  readonly path: string;
  readonly Shown: ComponentType<PageProps>;
  readonly params: Readonly<Record<string, string>>;
}

export function Outlet({ routes }: { readonly routes: readonly Route[] }) {
  const { path } = usePlace();
  const [shown, setShown] = useState<Shown>();
  const [failure, setFailure] = useState<unknown>();
  const [broken, mend] = useErrorBoundary();
  useEffect(() => {
    let isCurrent = true;
    mend();
    setFailure(undefined);
    const found = routes.flatMap((route) => {
      const params = match(route.pattern, path);
      return params ? [{ route, params }] : [];
    })[0];
    if (!found) setShown({ path, Shown: NoPage, params: {} });
    else
      found.route.load().then(
        (component) => isCurrent && setShown({ path, Shown: component, params: found.params }),
        (error: unknown) => isCurrent && setFailure(error),
      );
    return () => {
      isCurrent = false;
    };
  }, [path, routes]);
  if (broken !== undefined) return <Failed title={shell.broken} hint={shell.brokenHint} />;
  if (failure !== undefined) return <Failed title={shell.newerVersion} hint={shell.newerVersionHint} />;
  if (!shown) return <Loading />;
  return <shown.Shown key={shown.path} params={shown.params} />;
}

function NoPage() {
  return (
    <Page title={shell.noPage}>
      <p>
        {shell.noPageHint} <a href="#/">{shell.toOverview}</a>
      </p>
    </Page>
  );
}

function Failed({ title, hint }: { readonly title: string; readonly hint: string }) {
  return (
    <Page title={title}>
      <Notice kind="bad">
        {hint}{' '}
        <button type="button" class="link" onClick={() => location.reload()}>
          {shell.reload}
        </button>
      </Notice>
    </Page>
  );
}
