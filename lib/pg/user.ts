import type { ConnectionOptions } from '../credentials.js'
import { quoted, RedshiftCredentialsError } from '../errors.js'
import { isIamUser, parseIamUser } from '../identifiers.js'
import type { RedshiftLogin } from '../login.js'

/** The user name of a login for a database user, with the prefix that AWS adds. */
export const iamUser = (name: string, autoCreate: boolean | undefined): string =>
  `${autoCreate ? 'IAMA' : 'IAM'}:${name}`

/** The user name that AWS will return for `dbUser`. Undefined with groups, which AWS appends to the name. */
export const knownUser = ({ dbUser, dbGroups, autoCreate }: ConnectionOptions): string | undefined =>
  dbUser === undefined || dbGroups?.length ? undefined : iamUser(dbUser, autoCreate)

/**
 * The user from `PGUSER`, if it is an IAM user name and `dbUser` is not set. A name without a prefix may be meant for other servers; it is
 * used in a request if AWS requires a user.
 */
export const environmentUser = ({ dbUser }: ConnectionOptions): string | undefined => {
  const { PGUSER } = process.env
  return PGUSER && dbUser === undefined && isIamUser(PGUSER) ? PGUSER : undefined
}

/**
 * Refuses a user that is not an IAM user name before anything is sent. Without a user, pg uses the operating system's account.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_USER_MISMATCH`
 */
export function checkIamUser(user: string | null | undefined, options: ConnectionOptions): void {
  if (!user || isIamUser(user)) return
  const name = iamUser(options.dbUser ?? user, options.autoCreate)
  throw new RedshiftCredentialsError(
    'ERR_REDSHIFT_USER_MISMATCH',
    `pg logs in as ${quoted(user)}, which is not an IAM user name; without user, pg uses the account of the operating system. ` +
      `Set user: ${quoted(name)} in the configuration of pg, or use RedshiftPool or redshiftPoolOptions if AWS chooses the user.`,
  )
}

/**
 * Refuses a login whose user is not the one that pg has already sent to the server.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_USER_MISMATCH`
 */
export function checkSameUser(user: string | null | undefined, login: RedshiftLogin): void {
  if (!user || user === login.user) return
  const { prefix, name } = parseIamUser(user)
  const dbUser = prefix === 'IAM' || prefix === 'IAMA' ? name : undefined
  throw new RedshiftCredentialsError(
    'ERR_REDSHIFT_USER_MISMATCH',
    // On serverless, AWS chooses the user, and `user` is only compared with it.
    `pg logs in as ${quoted(user)}, but AWS returned a login for ${quoted(login.user)}. ` +
      (dbUser !== undefined && /^IAMR:/.test(login.user)
        ? `Set dbUser: ${quoted(dbUser)} in the options of the login to log in as that user, or leave user out and use RedshiftPool or redshiftPoolOptions.`
        : `Set user: ${quoted(login.user)} in the configuration of pg, or use RedshiftPool or redshiftPoolOptions, which use the user of the login.`),
  )
}

/**
 * Refuses a login whose user is not the configured one. A name without a prefix matches any prefix from AWS.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_USER_MISMATCH`
 */
export function checkUser(user: string | undefined, login: RedshiftLogin): void {
  if (!user || user === login.user) return
  const { prefix, name } = parseIamUser(user)
  const actual = parseIamUser(login.user)
  if (!prefix && actual.name === name) return
  throw new RedshiftCredentialsError(
    'ERR_REDSHIFT_USER_MISMATCH',
    `user is ${quoted(user)}, but AWS returned a login for ${quoted(login.user)}. ` +
      (prefix === 'IAMR' || actual.name === name
        ? `Leave user out, or set it to ${quoted(login.user)}.`
        : `Set redshift: { dbUser: ${quoted(name)} } to log in as that database user, or leave user out.`),
  )
}
