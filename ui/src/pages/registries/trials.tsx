/** Tries what is filled into the form of an upstream, as it stands. */
import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { apiErrorOf, useApi } from '../../api/use-api.ts';
import { TextField } from '../../components/fields.tsx';
import { FormValues } from '../../components/form.tsx';
import { Notice } from '../../components/notice.tsx';
import { upstreamTexts as t } from '../../texts/registries.ts';
import type { PlacedUpstream } from './placed-upstream.ts';
import { credentialsOf, settingsOf } from './upstream-values.ts';

interface Result {
  readonly kind: 'good' | 'bad';
  readonly text: string;
}

export function ConnectionTrial({
  groupId,
  upstream,
}: {
  readonly groupId: number;
  /** Undefined: one that may come. */
  readonly upstream: PlacedUpstream | undefined;
}) {
  const api = useApi();
  return (
    <Trial
      action={t.test}
      run={async (values) => {
        const { url, add_prefix, allow_private_network, tls_verify, ca_certificate } = settingsOf(values);
        const body = {
          url,
          add_prefix,
          allow_private_network,
          tls_verify,
          ca_certificate,
          ...credentialsOf(values, upstream),
        };
        const answer = await (upstream
          ? api.call('POST /virtual_registries/container/upstreams/{id}/test', {
              path: { id: upstream.id },
              body,
            })
          : api.call('POST /groups/{id}/-/virtual_registries/container/upstreams/test', {
              path: { id: groupId },
              body,
            }));
        return answer.success ? { kind: 'good', text: t.testGood } : { kind: 'bad', text: answer.result };
      }}
    />
  );
}

export function PatternTrial({ groupId }: { readonly groupId: number }) {
  const api = useApi();
  return (
    <Trial
      action={t.tryPatterns}
      run={async (values) => {
        const { url, allow_patterns, deny_patterns, add_prefix, strip_prefix } = settingsOf(values);
        const { repository, allowed, allowed_by, denied_by } = await api.call(
          'POST /groups/{id}/-/virtual_registries/container/upstreams/try_patterns',
          {
            path: { id: groupId },
            body: {
              url,
              allow_patterns,
              deny_patterns,
              add_prefix,
              strip_prefix,
              image: values.text('tried_image'),
            },
          },
        );
        const text =
          repository === null
            ? t.patternNoName
            : denied_by.length > 0
              ? t.patternDenied(repository, denied_by.join(', '))
              : allowed
                ? t.patternAllowed(repository, allowed_by.join(', '))
                : t.patternNone(repository);
        return { kind: allowed ? 'good' : 'bad', text };
      }}
    >
      {(start) => (
        <TextField
          name="tried_image"
          label={t.tryImage}
          hint={t.tryImageHint}
          placeholder="library/alpine"
          onEnter={start}
        />
      )}
    </Trial>
  );
}

/** So many are named. */
const maxNamed = 20;

/** What would be refused of what is cached. */
export function QuarantineTrial({ upstream }: { readonly upstream: PlacedUpstream }) {
  const api = useApi();
  return (
    <Trial
      action={t.tryQuarantine}
      run={async (values) => {
        const { min_age_hours, min_age_exempt_patterns, min_age_trust_created } = settingsOf(values);
        const { judged, refused } = await api.call(
          'POST /virtual_registries/container/upstreams/{id}/quarantine/preview',
          {
            path: { id: upstream.id },
            body: { min_age_hours, min_age_exempt_patterns, min_age_trust_created },
          },
        );
        const named = refused.slice(0, maxNamed).map(({ image, tag }) => `${image}:${tag}`);
        const text = t.quarantineResult(named.join(', '), refused.length, judged);
        return { kind: refused.length === 0 ? 'good' : 'bad', text };
      }}
    />
  );
}

function Trial({
  action,
  run,
  children,
}: {
  readonly action: string;
  readonly run: (values: FormValues) => Promise<Result>;
  /** @param start runs it */
  readonly children?: (start: () => void) => ComponentChildren;
}) {
  const button = useRef<HTMLButtonElement>(null);
  const [isBusy, setBusy] = useState(false);
  const [result, setResult] = useState<Result>();
  const start = async () => {
    const form = button.current?.form;
    if (!form) return;
    setBusy(true);
    try {
      setResult(await run(new FormValues(new FormData(form))));
    } catch (failure) {
      setResult({ kind: 'bad', text: apiErrorOf(failure).message });
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="section">
      {children?.(() => void start())}
      <div>
        <button type="button" ref={button} disabled={isBusy} onClick={start}>
          {isBusy ? t.testing : action}
        </button>
      </div>
      <div role="status">{result && <Notice kind={result.kind}>{result.text}</Notice>}</div>
    </div>
  );
}
