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

/** The checks that were made here. They are bound to one host, but their TLS options may come back for another host. */
const ownChecks = new WeakSet<CheckServerIdentity>()

/** Copies TLS options, including non-enumerable ones, because pg makes the private key non-enumerable. */
const withIdentityCheck = (ssl: object, check: CheckServerIdentity): Ssl =>
  Object.create(Object.getPrototypeOf(ssl), {
    ...Object.getOwnPropertyDescriptors(ssl),
    checkServerIdentity: { value: check, enumerable: true, writable: true, configurable: true },
  })

/** Returns TLS options without a check that was made here, possibly for another host. */
export function withoutOwnCheck(ssl: Ssl): Ssl {
  if (!ssl || typeof ssl !== 'object' || !ssl.checkServerIdentity || !ownChecks.has(ssl.checkServerIdentity)) return ssl
  const { checkServerIdentity: _, ...others } = Object.getOwnPropertyDescriptors(ssl)
  return Object.create(Object.getPrototypeOf(ssl), others)
}

/**
 * Returns TLS options that accept a certificate for the cluster's own name, or for the name that pg connects to. A proxy or a custom domain
 * has a certificate for the latter. If the user has set `checkServerIdentity`, that function decides.
 */
export function acceptBothNames(given: Ssl, alias: ServerAlias | undefined): Ssl {
  const ssl = withoutOwnCheck(given)
  if (!alias || !ssl || typeof ssl === 'string' || setsServername(ssl, alias)) return ssl
  const options = ssl === true ? {} : ssl
  if (options.checkServerIdentity) return ssl
  const check: CheckServerIdentity = (_name, certificate) => {
    const error = checkServerIdentity(alias.clusterHost, certificate)
    return error && checkServerIdentity(alias.host, certificate) ? error : undefined
  }
  ownChecks.add(check)
  return withIdentityCheck(options, check)
}

/**
 * Returns TLS options for a client that sends the cluster's own name in the TLS handshake (SNI). Node would pass that name to the user's
 * `checkServerIdentity`, which expects the name that pg connects to.
 * @returns undefined if the client must not send that name
 */
export function acceptServerName(given: Ssl, alias: ServerAlias): Ssl | undefined {
  const ssl = withoutOwnCheck(given)
  if (!ssl || typeof ssl === 'string' || setsServername(ssl, alias)) return undefined
  const check = ssl === true ? undefined : ssl.checkServerIdentity
  if (!check) return acceptBothNames(ssl, alias)
  return withIdentityCheck(ssl as object, (_name, certificate) => check(alias.host, certificate))
}
