import { printable, quoted, RedshiftCredentialsError } from '../errors.js'
import type { RedshiftLogin } from '../login.js'

/** Adds the remedy to a server error about the setup of identity providers. Returns other errors unchanged. */
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
  /** It had just replaced another refused login. */
  | 'refused twice'
  /** AWS returned the same login, or could not be reached. */
  | 'no other'
  /** AWS was asked for another login after an earlier refusal, and the pause since then is not over. */
  | 'too soon'

const NOT_REPLACED: Record<NotReplaced, string> = {
  'refused twice': 'the one before it as well',
  'no other': 'AWS gave no other one',
  'too soon': 'earlier refusals are too recent to ask AWS for another one',
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
