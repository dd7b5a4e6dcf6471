import { isIP } from 'node:net'
import { checkServerIdentity, type ConnectionOptions as TlsOptions } from 'node:tls'
import type { ClientConfig } from 'pg'

type Ssl = ClientConfig['ssl']
type CheckServerIdentity = NonNullable<TlsOptions['checkServerIdentity']>

/** A server that is reached under another name than its own: through PrivateLink, a load balancer, a CNAME or a tunnel. */
export interface Alias {
  /** Where pg connects to. */
  readonly dialled: string
  /** The cluster's or workgroup's own name. */
  readonly own: string
}

const normal = (host: string): string => host.toLowerCase().replace(/\.$/, '')

/** @param cluster the option `host`, where it is set */
export const aliasOf = (dialled: string | undefined, cluster: string | undefined): Alias | undefined =>
  dialled === undefined || cluster === undefined || normal(dialled) === normal(cluster)
    ? undefined
    : { dialled, own: cluster.replace(/\.$/, '') }

/** pg leaves `servername` in force where an IP address is dialled: the user has chosen the name to verify. */
const choosesName = (ssl: Ssl, { dialled }: Alias): boolean =>
  typeof ssl === 'object' && Boolean(ssl.servername) && isIP(dialled) !== 0

/** Copies the options with what Node hides of them: pg makes the private key non-enumerable. */
const withCheck = (ssl: object, check: CheckServerIdentity): Ssl =>
  Object.create(Object.getPrototypeOf(ssl), {
    ...Object.getOwnPropertyDescriptors(ssl),
    checkServerIdentity: { value: check, enumerable: true, writable: true, configurable: true },
  })

/**
 * The options of TLS for an alias: the certificate may carry the cluster's own name, or the name that was dialled, which a proxy
 * or a custom domain has a certificate for. A `checkServerIdentity` of the user's own stays in charge.
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
 * The same for a client whose TLS handshake names the cluster (SNI), or undefined where it must not. Node would pass that name to
 * the user's own check, which expects the name that was dialled.
 */
export function verifyNamedAlias(ssl: Ssl, alias: Alias): Ssl | undefined {
  if (!ssl || typeof ssl === 'string' || choosesName(ssl, alias)) return undefined
  const own = ssl === true ? undefined : ssl.checkServerIdentity
  if (!own) return verifyAlias(ssl, alias)
  return withCheck(ssl as object, (_name, certificate) => own(alias.dialled, certificate))
}
