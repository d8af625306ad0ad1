/** Whose certificates are believed, and which of ours is shown to whom. */
import { type ConnectionOptions, createSecureContext, getCACertificates } from 'node:tls';

export interface ClientCertificate {
  /** PEM, with its chain. */
  readonly certificate: string;
  /** PEM, not encrypted. */
  readonly key: string;
}

/** What holds for one host, whatever its port, and for none that it leads to. */
export interface HostTrust {
  /** As URLs have it; IPv6 without brackets. */
  readonly hostname: string;
  readonly clientCertificate: ClientCertificate | undefined;
  /** Whether its certificate has to be good. */
  readonly isVerified: boolean;
}

export interface Trust {
  /** PEM of authorities that are believed besides those that Node believes. */
  readonly authorities: readonly string[];
  readonly host?: HostTrust | undefined;
}

/**
 * For one host, or for all others. It reads all authorities, which takes some 10 ms: to be made once.
 * @throws the system's error for a certificate or key that cannot be used
 */
export function tlsOptionsFor(
  { authorities }: Trust,
  host: HostTrust | undefined,
): Pick<ConnectionOptions, 'rejectUnauthorized' | 'secureContext'> {
  const clientCertificate = host?.clientCertificate;
  const rejectUnauthorized = host?.isVerified !== false;
  if (authorities.length === 0 && clientCertificate === undefined) return { rejectUnauthorized };
  const secureContext = createSecureContext({
    // An intermediate authority, or the certificate itself, is enough: Go's clients have it so.
    ...(authorities.length > 0 && {
      ca: [...getCACertificates('default'), ...authorities],
      allowPartialTrustChain: true,
    }),
    ...(clientCertificate && { cert: clientCertificate.certificate, key: clientCertificate.key }),
  });
  return { rejectUnauthorized, secureContext };
}
