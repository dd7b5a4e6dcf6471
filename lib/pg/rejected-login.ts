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
      `Redshift rejected the scope of the token: ${message}. Grant the application the scope redshift:connect in IAM Identity Center.`,
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
  'refused twice': 'the login before it, too',
  'no other': 'AWS returned no other login',
  'too soon': 'it is too soon to ask AWS for another login',
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
      ? `Redshift rejected the person's token: ${printable(error.message)}. ` +
          'Check that the token is current and for this cluster or workgroup and its identity provider, and that an EXT_JWT is new for each connection.'
      : `Redshift rejected a login for ${quoted(login.user)}${ageMillis === undefined ? '' : ` that was ${inSeconds(ageMillis)} s old`}, ` +
          `and ${NOT_REPLACED[reason]}: ${printable(error.message)}. ` +
          'Check that host belongs to the cluster or workgroup of the login, that TLS reaches the cluster, that the database exists and ' +
          'is the one of the login, and that the user exists (or set autoCreate) and has the necessary grants.',
    { cause: error },
  )
