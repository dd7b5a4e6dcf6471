import type { ConnectionOptions } from '../credentials.js'
import { optionError, printable, quoted, RedshiftCredentialsError } from '../errors.js'
import { isIamUser, parseIamUser } from '../identifiers.js'
import type { RedshiftLogin } from '../login.js'

/**
 * Refuses a connection without TLS. pg treats any truthy `ssl` as TLS, even the string `'false'`.
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

/**
 * Refuses an `ssl` option that turns TLS off, or a string that pg does not know. Such a string makes pg throw where the caller cannot
 * catch it, once the socket is open.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_OPTION`, `ERR_REDSHIFT_TLS`
 */
export function checkSsl(ssl: unknown, options: ConnectionOptions): void {
  if (ssl && typeof ssl === 'string' && ssl !== 'true' && ssl !== 'no-verify')
    throw optionError(
      `ssl is ${quoted(ssl)}, a text, on which pg crashes. Set ssl: true, or an object of Node's TLS options.`,
    )
  checkTls(ssl ?? process.env.PGSSLMODE, options)
}

/** The user name of a login for a database user, with the prefix that AWS adds. */
export const iamUser = (name: string, autoCreate: boolean | undefined): string =>
  `${autoCreate ? 'IAMA' : 'IAM'}:${name}`

/** The user name that AWS will return for `dbUser`. Undefined with groups, which AWS appends to the name. */
export const knownUser = ({ dbUser, dbGroups, autoCreate }: ConnectionOptions): string | undefined =>
  dbUser === undefined || dbGroups?.length ? undefined : iamUser(dbUser, autoCreate)

/**
 * Refuses a user that is not an IAM user name before anything is sent. Without a user, pg uses the operating system's account.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_USER_MISMATCH`
 */
export function checkIamUser(user: string | null | undefined, options: ConnectionOptions): void {
  if (!user || isIamUser(user)) return
  const name = iamUser(options.dbUser ?? user, options.autoCreate)
  throw new RedshiftCredentialsError(
    'ERR_REDSHIFT_USER_MISMATCH',
    `pg logs in as ${quoted(user)}, which is no IAM user name; where none is set, pg takes the account of the operating system. ` +
      `Set user: ${quoted(name)} in the configuration of pg; where AWS chooses the user, use RedshiftPool or redshiftPoolOptions.`,
  )
}

/**
 * Refuses a login for another user than the one that pg has already sent to the server.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_USER_MISMATCH`
 */
export function checkSameUser(user: string | null | undefined, login: RedshiftLogin): void {
  if (!user || user === login.user) return
  const { prefix, name } = parseIamUser(user)
  const chosen = prefix === 'IAM' || prefix === 'IAMA' ? name : undefined
  throw new RedshiftCredentialsError(
    'ERR_REDSHIFT_USER_MISMATCH',
    // On serverless, AWS chooses the user, and `user` is only compared with it.
    `pg logs in as ${quoted(user)}, but AWS gave a login for ${quoted(login.user)}. ` +
      (chosen !== undefined && /^IAMR:/.test(login.user)
        ? `Set dbUser: ${quoted(chosen)} among the options of the login, to log in as that user, or leave user out in RedshiftPool or redshiftPoolOptions.`
        : `Set user: ${quoted(login.user)} in the configuration of pg, or use RedshiftPool or redshiftPoolOptions, which take the user from the login.`),
  )
}

/**
 * Refuses a login for another user than the configured one. A name without a prefix matches any prefix from AWS.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_USER_MISMATCH`
 */
export function checkUser(user: string | undefined, login: RedshiftLogin): void {
  if (!user || user === login.user) return
  const { prefix, name } = parseIamUser(user)
  const given = parseIamUser(login.user)
  if (!prefix && given.name === name) return
  throw new RedshiftCredentialsError(
    'ERR_REDSHIFT_USER_MISMATCH',
    `user is ${quoted(user)}, but AWS gave a login for ${quoted(login.user)}. ` +
      (prefix === 'IAMR' || given.name === name
        ? `Leave user out, or set it to ${quoted(login.user)}.`
        : `Set redshift: { dbUser: ${quoted(name)} } to log in as that database user, or leave user out.`),
  )
}

/** Identifies a place: a server, database and TLS setting. A place's verdict on a login does not apply to other places. */
export const placeOf = (to: { host?: unknown; port?: unknown; database?: unknown; ssl?: unknown }): string =>
  JSON.stringify([to.host, Number(to.port), to.database, Boolean(to.ssl)])

/** Adds the remedy to server errors about the set-up of identity providers. Returns other errors unchanged. */
export function explainTokenError(error: Error): Error {
  const message = printable(error.message)
  if (/identity provider (type ".*" is not supported|does not exist)/i.test(message))
    return new RedshiftCredentialsError(
      'ERR_REDSHIFT_UNSUPPORTED',
      `Redshift does not know the identity provider: ${message}. Register it in the database with CREATE IDENTITY PROVIDER, and check identityProvider.type.`,
      { cause: error },
    )
  if (/Invalid scope/i.test(message))
    return new RedshiftCredentialsError(
      'ERR_REDSHIFT_ACCESS_DENIED',
      `Redshift refused the scope of the token: ${message}. Grant the application the scope redshift:connect in IAM Identity Center.`,
      { cause: error },
    )
  return error
}

/** Why a refused login was not replaced. */
export type NotReplaced =
  /** It had just replaced another one that was refused. */
  | 'refused twice'
  /** AWS returned the same one, or could not be reached. */
  | 'no other'
  /** AWS was asked because of earlier refusals, and the pause since then is not over. */
  | 'asked before'

const NOT_REPLACED: Record<NotReplaced, string> = {
  'refused twice': 'the one before it as well',
  'no other': 'AWS gave no other one',
  'asked before': 'earlier refusals are too recent to ask AWS for another one',
}

const inSeconds = (millis: number): string =>
  millis < 10_000 ? (millis / 1000).toFixed(1) : String(Math.round(millis / 1000))

/**
 * The error for a login that was refused and not replaced.
 * @param ageMillis the age of the login when it was refused, if it is known
 */
export const rejectedLogin = (
  error: Error,
  login: RedshiftLogin,
  ageMillis: number | undefined,
  reason: NotReplaced,
): RedshiftCredentialsError =>
  new RedshiftCredentialsError(
    'ERR_REDSHIFT_LOGIN_REJECTED',
    login.user === ''
      ? `Redshift refused the person's token: ${printable(error.message)}. ` +
          'Check that the token is for this cluster or workgroup and its identity provider, that it is current, and that an EXT_JWT is a new one for each connection.'
      : `Redshift refused a login for ${quoted(login.user)}${ageMillis === undefined ? '' : ` that was ${inSeconds(ageMillis)} s old`}, ` +
          `and ${NOT_REPLACED[reason]}: ${printable(error.message)}. ` +
          'Check that the host belongs to the cluster or workgroup of the login, that TLS is on up to the cluster, that the database exists ' +
          'and is the one of the login, that the user exists (or autoCreate is set), and that it has been granted access.',
    { cause: error },
  )
