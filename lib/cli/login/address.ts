import type { Address } from '../../endpoint-cache.js'
import type { RedshiftCredentials } from '../../index.js'
import { connectionSettings, REDSHIFT_PORT } from '../../pg/config.js'

/**
 * Returns the address that a client would connect to: the configured one, or the one that AWS returns.
 * @throws RedshiftCredentialsError if the look-up fails
 */
export async function addressOf(redshift: RedshiftCredentials, database: string): Promise<Address> {
  const { host, port } = connectionSettings({ database }, redshift.connectionOptions())
  if (host !== undefined) return { host, port: port ?? REDSHIFT_PORT }
  const found = await redshift.findAddress({ database })
  return { host: found.host, port: port ?? found.port }
}
