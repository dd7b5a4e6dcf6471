import { RedshiftCredentialsError } from '../errors.js'
import type { FailedCall } from './call.js'

/** What mends an answer that is not AWS's. */
export const CHECK_PATH = 'Check the endpoint, and what stands between this host and AWS.'

/** The parts of an answer that make a login, under whichever names the API gives them. */
interface LoginAnswer {
  readonly user: string | undefined
  readonly password: string | undefined
  readonly expiration: Date | undefined
  readonly nextRefreshTime: Date | undefined
}

/** Refuses an endpoint without address or port: a cluster that is being created has none. */
export function checkEndpoint(call: FailedCall, host: string | undefined, port: number | undefined) {
  if (host && port) return { host, port }
  throw new RedshiftCredentialsError(
    'ERR_REDSHIFT_UNAVAILABLE',
    `AWS names no address for ${call.target}: it may be creating, paused or deleting. Wait until it is available, or give host.`,
  )
}

/** Refuses a response without token or expiry. What it does hold is not repeated: it may be the token. */
export function checkToken({ action }: FailedCall, token: string | undefined, expiration: Date | undefined) {
  const lacks = (what: string): RedshiftCredentialsError =>
    new RedshiftCredentialsError('ERR_REDSHIFT_RESPONSE', `The answer to ${action} has no ${what}. ${CHECK_PATH}`)
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) throw lacks('token')
  if (!(expiration instanceof Date) || Number.isNaN(expiration.getTime())) throw lacks('valid expiry')
  return { user: '', password: token, expiration, nextRefreshTime: undefined }
}

/** Refuses an answer without user, password or expiry. What it does hold is not repeated: it may be the password. */
export function checkAnswer({ action }: FailedCall, answer: LoginAnswer) {
  const { user, password, expiration, nextRefreshTime } = answer
  const lacks = (what: string): RedshiftCredentialsError =>
    new RedshiftCredentialsError('ERR_REDSHIFT_RESPONSE', `The answer to ${action} has no ${what}. ${CHECK_PATH}`)
  if (typeof user !== 'string' || user === '') throw lacks('user')
  if (typeof password !== 'string' || password === '') throw lacks('password')
  if (!(expiration instanceof Date) || Number.isNaN(expiration.getTime())) throw lacks('valid expiry')
  const next =
    nextRefreshTime instanceof Date && Number.isFinite(nextRefreshTime.getTime()) ? nextRefreshTime : undefined
  return { user, password, expiration, nextRefreshTime: next }
}
