import type { ConnectionOptions } from '../credentials.js'
import { optionError, quoted, RedshiftCredentialsError } from '../errors.js'
import type { RedshiftPgClientConfig } from './config.js'

/** The value for pg's `ssl`. Default: verified TLS, unless `PGSSLMODE` is set. */
export const tlsOf = (
  config: Pick<RedshiftPgClientConfig, 'ssl'>,
  options: ConnectionOptions,
): RedshiftPgClientConfig['ssl'] =>
  config.ssl !== undefined ? config.ssl : (options.ssl ?? (process.env.PGSSLMODE ? undefined : true))

/**
 * Refuses a connection without TLS. pg treats any truthy `ssl` as TLS, even the string `'false'`.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_TLS`
 */
export function checkTls(encrypted: unknown, options: ConnectionOptions): void {
  if (encrypted || !options.requireTls) return
  throw new RedshiftCredentialsError(
    'ERR_REDSHIFT_TLS',
    'The connection is not encrypted, and without TLS, Redshift rejects IAM logins with "password authentication failed". ' +
      'Set ssl: true in the configuration of pg, or requireTls: false if the link itself is encrypted.',
  )
}

/**
 * Refuses an `ssl` option that turns TLS off, or a string that pg does not know. Once the socket is open, such a string makes pg throw
 * where the caller cannot catch it.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`, `ERR_REDSHIFT_TLS`
 */
export function checkSsl(ssl: unknown, options: ConnectionOptions): void {
  if (ssl && typeof ssl === 'string' && ssl !== 'true' && ssl !== 'no-verify')
    throw optionError(
      `ssl is ${quoted(ssl)}, a string that makes pg crash. Set ssl: true, or an object of Node's TLS options.`,
    )
  checkTls(ssl ?? process.env.PGSSLMODE, options)
}
