import { isIP } from 'node:net'
import { checkServerIdentity, type ConnectionOptions as TlsOptions } from 'node:tls'
import type { ClientConfig } from 'pg'

type Ssl = ClientConfig['ssl']
type CheckServerIdentity = NonNullable<TlsOptions['checkServerIdentity']>

/** A server that is reached by another name than its own: through PrivateLink, a load balancer, a CNAME or a tunnel. */
export interface Alias {
  /** The host that pg connects to. */
  readonly dialled: string
  /** The cluster's or workgroup's own name. */
  readonly own: string
}

const normal = (host: string): string => host.toLowerCase().replace(/\.$/, '')

/** @param cluster the option `host`, if it is set */
export const aliasOf = (dialled: string | undefined, cluster: string | undefined): Alias | undefined =>
  dialled === undefined || cluster === undefined || normal(dialled) === normal(cluster)
    ? undefined
    : { dialled, own: cluster.replace(/\.$/, '') }

/** Whether the user has chosen the name to verify. pg keeps `servername` only when it connects to an IP address. */
const choosesName = (ssl: Ssl, { dialled }: Alias): boolean =>
  typeof ssl === 'object' && Boolean(ssl.servername) && isIP(dialled) !== 0

/** Copies the options including non-enumerable ones, because pg makes the private key non-enumerable. */
const withCheck = (ssl: object, check: CheckServerIdentity): Ssl =>
  Object.create(Object.getPrototypeOf(ssl), {
    ...Object.getOwnPropertyDescriptors(ssl),
    checkServerIdentity: { value: check, enumerable: true, writable: true, configurable: true },
  })

/**
 * TLS options for an alias. They accept a certificate for the cluster's own name or for the name that pg connects to, for which a proxy or
 * a custom domain has a certificate. If the user has set `checkServerIdentity`, that function decides.
 */
export function verifyAlias(ssl: Ssl, alias: Alias | undefined): Ssl {
  if (!alias || !ssl || typeof ssl === 'string' || choosesName(ssl, alias)) return ssl
  const options = ssl === true ? {} : ssl
  if (options.checkServerIdentity) return ssl
  return withCheck(options, (_name, certificate) => {
    const error = checkServerIdentity(alias.own, certificate)
    return error && checkServerIdentity(alias.dialled, certificate) ? error : undefined
  })
}

/**
 * TLS options for a client that sends the cluster's name in the TLS handshake (SNI), or undefined if it must not. Node would pass that name
 * to the user's own check, which expects the name that pg connects to.
 */
export function verifyNamedAlias(ssl: Ssl, alias: Alias): Ssl | undefined {
  if (!ssl || typeof ssl === 'string' || choosesName(ssl, alias)) return undefined
  const own = ssl === true ? undefined : ssl.checkServerIdentity
  if (!own) return verifyAlias(ssl, alias)
  return withCheck(ssl as object, (_name, certificate) => own(alias.dialled, certificate))
}
