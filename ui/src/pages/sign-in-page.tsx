import { useEffect } from 'preact/hooks';
import { ApiError } from '../api/api-error.ts';
import { type Session, signIn } from '../api/session.ts';
import { Snippet } from '../components/copy-button.tsx';
import { TextField } from '../components/fields.tsx';
import { Form } from '../components/form.tsx';
import { Notice } from '../components/notice.tsx';
import { hrefOf } from '../router/place.ts';
import { usePlace } from '../router/use-place.tsx';
import { signInTexts as t } from '../texts/sign-in.ts';

interface SignInPageProps {
  readonly base: string;
  /** Whether there is an OpenID provider to sign in at. */
  readonly hasOidc: boolean;
  /** Whether a session was there a moment ago. */
  readonly hasEnded: boolean;
  readonly onSignedIn: (session: Session) => void;
}

export function SignInPage({ base, hasOidc, hasEnded, onSignedIn }: SignInPageProps) {
  const returnTo = `${location.pathname}${hrefOf(usePlace())}`;
  useEffect(() => {
    document.title = `${t.title} · Entrepot`;
  }, []);
  return (
    <main class="alone">
      <div class="sign-in card">
        <h1>
          <span class="brand">Entrepot</span>
        </h1>
        <p class="muted">{t.tagline}</p>
        {hasEnded && <Notice kind="info">{t.ended}</Notice>}
        <Form
          action={t.action}
          onSubmit={async (values) => {
            const opened = await signIn(base, values.text('username'), values.secret('password')).catch(
              explain,
            );
            onSignedIn(opened);
          }}
        >
          <TextField name="username" label={t.username} autocomplete="username" isRequired hasFocus />
          <TextField
            name="password"
            label={t.password}
            type="password"
            autocomplete="current-password"
            isRequired
          />
        </Form>
        {hasOidc && (
          <p>
            <a class="button" href={`auth/oidc?return_to=${encodeURIComponent(returnTo)}`}>
              {t.oidc}
            </a>
          </p>
        )}
        <details>
          <summary>{t.firstTitle}</summary>
          <p>{t.firstStart}</p>
          <Snippet text={t.firstLogs} label={t.firstStart} />
          <p>{t.firstLost}</p>
          <Snippet text={t.firstReset(new URL('api/v4/users/1', base).href)} label={t.firstLost} />
          <p>{t.clients}</p>
          <Snippet text={t.login(location.host)} label={t.clients} />
        </details>
      </div>
    </main>
  );
}

/** Its own words for what happens most: people try the token that the first start printed. */
function explain(error: unknown): never {
  throw error instanceof ApiError && error.status === 401 ? new ApiError(401, t.wrong) : error;
}
