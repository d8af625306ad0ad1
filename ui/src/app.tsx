/** Who is signed in sees the pages; who is not, or no longer, signs in and goes on where they were. */
import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import { Api } from './api/api.ts';
import type { ApiError } from './api/api-error.ts';
import { findState, type Session, signOut } from './api/session.ts';
import { apiErrorOf, ConnectionContext } from './api/use-api.ts';
import { Loading } from './components/loading.tsx';
import { Failure } from './components/notice.tsx';
import { ToastProvider } from './components/toast.tsx';
import { Layout } from './layout.tsx';
import { Outlet } from './outlet.tsx';
import { SignInPage } from './pages/sign-in-page.tsx';
import { goTo } from './router/use-place.tsx';
import { routes } from './routes.ts';

type State =
  | { readonly kind: 'asking' }
  | { readonly kind: 'failed'; readonly error: ApiError }
  | { readonly kind: 'nobody'; readonly hasEnded: boolean }
  | { readonly kind: 'signed-in'; readonly session: Session };

/** @param base this page's address, which is the server's */
export function App({ base }: { readonly base: string }) {
  const [state, setState] = useState<State>({ kind: 'asking' });
  const [hasOidc, setOidc] = useState(false);
  const ask = useCallback(() => {
    setState({ kind: 'asking' });
    findState(base).then(
      ({ session, oidc }) => {
        setOidc(oidc);
        setState(session ? { kind: 'signed-in', session } : { kind: 'nobody', hasEnded: false });
      },
      (failure: unknown) => setState({ kind: 'failed', error: apiErrorOf(failure) }),
    );
  }, [base]);
  useEffect(ask, [ask]);
  const session = state.kind === 'signed-in' ? state.session : undefined;
  const connection = useMemo(() => {
    if (!session) return undefined;
    const onSignedOut = () => setState({ kind: 'nobody', hasEnded: true });
    return { session, api: new Api({ base, csrfToken: session.csrf_token, onSignedOut }) };
  }, [base, session]);
  if (state.kind === 'asking') return <Loading />;
  if (state.kind === 'failed')
    return (
      <main class="alone">
        <Failure error={state.error} onRetry={ask} />
      </main>
    );
  if (!session || !connection)
    return (
      <SignInPage
        base={base}
        hasOidc={hasOidc}
        hasEnded={state.kind === 'nobody' && state.hasEnded}
        onSignedIn={(opened) => setState({ kind: 'signed-in', session: opened })}
      />
    );
  const leave = () => {
    signOut(base, session.csrf_token).finally(() => {
      setState({ kind: 'nobody', hasEnded: false });
      goTo('#/');
    });
  };
  return (
    <ConnectionContext.Provider value={connection}>
      <ToastProvider>
        <Layout session={session} onSignOut={leave}>
          <Outlet routes={routes} />
        </Layout>
      </ToastProvider>
    </ConnectionContext.Provider>
  );
}
