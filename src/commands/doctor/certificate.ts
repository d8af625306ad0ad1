/** The certificate that clients are shown: whether it and its key go together, whom it names, and when it ends. */
import { X509Certificate } from 'node:crypto';
import { readKeyPair } from '../../api/server/tls-files.ts';
import type { Config } from '../../config/config.ts';
import { type Finding, fault, findings, ok, warning } from './finding.ts';

const part = 'certificate';
const dayMs = 86_400_000;
const soonDays = 21;

export function lookAtCertificate(
  { http: { tls, externalUrl } }: Pick<Config, 'http'>,
  now: number,
): Promise<readonly Finding[]> {
  const { certificate, key } = tls;
  return findings(
    part,
    'http.tls.certificate and http.tls.key name files in PEM that go together',
    async () => {
      if (certificate === undefined || key === undefined) return [withoutTls(externalUrl)];
      const { cert } = await readKeyPair({ certificate, key });
      const x509 = new X509Certificate(cert);
      const days = Math.floor((Date.parse(x509.validTo) - now) / dayMs);
      const text = `${certificate} for ${x509.subjectAltName ?? 'nobody'}, until ${x509.validTo}`;
      const renew = 'renew it: the server reads the files again when they change';
      if (days < 0) return [fault(part, text, renew)];
      const host = externalUrl === undefined ? undefined : new URL(externalUrl).hostname;
      if (host !== undefined && !isNamed(x509, host))
        return [fault(part, text, `it does not name ${host}, the host of http.external_url`)];
      return [days < soonDays ? warning(part, text, `${days} days are left: ${renew}`) : ok(part, text)];
    },
  );
}

/** @param host of a URL */
function isNamed(x509: X509Certificate, host: string): boolean {
  const isAddress = /^(?:[\d.]+|\[.*\])$/.test(host);
  return (isAddress ? x509.checkIP(host.replace(/[[\]]/g, '')) : x509.checkHost(host)) !== undefined;
}

function withoutTls(externalUrl: string | undefined): Finding {
  if (externalUrl?.startsWith('https:')) return ok(part, 'what stands in front has it (http.external_url)');
  return warning(
    part,
    'none: Docker speaks to 127.0.0.1 alone without TLS',
    'set http.tls, or put a proxy with TLS in front',
  );
}
