import { isIP } from 'node:net'
import { checkServerIdentity, type ConnectionOptions as TlsOptions } from 'node:tls'
import type { ClientConfig } from 'pg'

type Ssl = ClientConfig['ssl']
type CheckServerIdentity = NonNullable<TlsOptions['checkServerIdentity']>

/** A cluster that pg reaches under another name: through PrivateLink, a load balancer, a CNAME or a tunnel. */
export interface ServerAlias {
  /** The host that pg connects to. */
  readonly host: string
  /** The cluster's or workgroup's own name. */
  readonly clusterHost: string
}

const normalize = (name: string): string => name.toLowerCase().replace(/\.$/, '')

/**
 * @param host the host that pg connects to
 * @param clusterHost the option `host`, if it is set
 * @returns undefined if both are the same, or one of them is unknown
 */
export const aliasOf = (host: string | undefined, clusterHost: string | undefined): ServerAlias | undefined =>
  host === undefined || clusterHost === undefined || normalize(host) === normalize(clusterHost)
    ? undefined
    : { host, clusterHost: clusterHost.replace(/\.$/, '') }

/** Whether the user has set the name to verify. pg keeps `servername` only when it connects to an IP address. */
const setsServername = (ssl: Ssl, { host }: ServerAlias): boolean =>
  typeof ssl === 'object' && Boolean(ssl.servername) && isIP(host) !== 0

/** Copies TLS options, including non-enumerable ones, because pg makes the private key non-enumerable. */
const withIdentityCheck = (ssl: object, check: CheckServerIdentity): Ssl =>
  Object.create(Object.getPrototypeOf(ssl), {
    ...Object.getOwnPropertyDescriptors(ssl),
    checkServerIdentity: { value: check, enumerable: true, writable: true, configurable: true },
  })

/**
 * Returns TLS options that accept a certificate for the cluster's own name, or for the name that pg connects to. A proxy or a custom domain
 * has a certificate for the latter. If the user has set `checkServerIdentity`, that function decides.
 */
export function acceptBothNames(ssl: Ssl, alias: ServerAlias | undefined): Ssl {
  if (!alias || !ssl || typeof ssl === 'string' || setsServername(ssl, alias)) return ssl
  const options = ssl === true ? {} : ssl
  if (options.checkServerIdentity) return ssl
  return withIdentityCheck(options, (_name, certificate) => {
    const error = checkServerIdentity(alias.clusterHost, certificate)
    return error && checkServerIdentity(alias.host, certificate) ? error : undefined
  })
}

/**
 * Returns TLS options for a client that sends the cluster's own name in the TLS handshake (SNI). Node would pass that name to the user's
 * `checkServerIdentity`, which expects the name that pg connects to.
 * @returns undefined if the client must not send that name
 */
export function acceptServerName(ssl: Ssl, alias: ServerAlias): Ssl | undefined {
  if (!ssl || typeof ssl === 'string' || setsServername(ssl, alias)) return undefined
  const check = ssl === true ? undefined : ssl.checkServerIdentity
  if (!check) return acceptBothNames(ssl, alias)
  return withIdentityCheck(ssl as object, (_name, certificate) => check(alias.host, certificate))
}
