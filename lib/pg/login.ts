import type { ConnectionOptions } from '../credentials.js'
import { quoted, RedshiftCredentialsError } from '../errors.js'
import { parseIamUser } from '../identifiers.js'
import type { RedshiftLogin } from '../login.js'

/**
 * Refuses to hand a password to a connection without TLS. pg takes any truthy `ssl` for TLS, even the string `'false'`.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_TLS`
 */
export function checkTls(encrypted: unknown, options: ConnectionOptions): void {
  if (encrypted || !options.requireTls) return
  throw new RedshiftCredentialsError(
    'ERR_REDSHIFT_TLS',
    'The connection is not encrypted, and Redshift refuses IAM logins without TLS, with the words "password authentication failed". ' +
      'Set ssl: true in the configuration of pg. Only for a link that encrypts by itself, set requireTls: false.',
  )
}

/** The user name that AWS will give to the login of a database user. */
const iamUser = (name: string, autoCreate: boolean | undefined): string => `${autoCreate ? 'IAMA' : 'IAM'}:${name}`

/**
 * Refuses a user that no IAM login can be for, before anything is sent: pg falls back to the operating system's account.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_USER_MISMATCH`
 */
export function checkIamUser(user: string | null | undefined, options: ConnectionOptions): void {
  if (!user || parseIamUser(user).prefix) return
  const name = iamUser(options.dbUser ?? user, options.autoCreate)
  throw new RedshiftCredentialsError(
    'ERR_REDSHIFT_USER_MISMATCH',
    `pg logs in as ${quoted(user)}, which is no IAM user name; where none is set, pg takes the account of the operating system. ` +
      `Set user: ${quoted(name)} in the configuration of pg; where AWS chooses the user, use RedshiftPool or redshiftPoolOptions.`,
  )
}

/**
 * Refuses a login for another user than the one that pg has already named to the server.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_USER_MISMATCH`
 */
export function checkSameUser(user: string | null | undefined, login: RedshiftLogin): void {
  if (!user || user === login.user) return
  throw new RedshiftCredentialsError(
    'ERR_REDSHIFT_USER_MISMATCH',
    `pg logs in as ${quoted(user)}, but AWS gave a login for ${quoted(login.user)}. ` +
      `Set user: ${quoted(login.user)} in the configuration of pg, or use RedshiftPool or redshiftPoolOptions, which take the user from the login.`,
  )
}
