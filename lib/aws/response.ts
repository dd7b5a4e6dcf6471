import { RedshiftCredentialsError } from '../errors.js'
import type { CallDescription } from './call-description.js'

/** The remedy for a response that does not come from AWS. */
export const CHECK_PATH = 'Check the endpoint, and any proxy between this host and AWS.'

/** The properties of a response that form a login. Each AWS operation has its own names for them. */
interface LoginResponse {
  readonly user: string | undefined
  readonly password: string | undefined
  readonly expiration: Date | undefined
  readonly nextRefreshTime: Date | undefined
}

/** Refuses an endpoint without an address or a port, as of a cluster that is being created. */
export function checkEndpoint(call: CallDescription, host: string | undefined, port: number | undefined) {
  if (host && port) return { host, port }
  throw new RedshiftCredentialsError(
    'ERR_REDSHIFT_UNAVAILABLE',
    `AWS returned no address for ${call.target}: it may be creating, paused or deleting. Wait until it is available, or set host.`,
  )
}

/** The error of an incomplete response. It does not quote the response, which may contain a password or a token. */
const incompleteError = ({ action }: CallDescription, what: string): RedshiftCredentialsError =>
  new RedshiftCredentialsError('ERR_REDSHIFT_RESPONSE', `The response to ${action} has no ${what}. ${CHECK_PATH}`)

const isValidDate = (value: Date | undefined): value is Date =>
  value instanceof Date && Number.isFinite(value.getTime())

/** Refuses a response without a token or an expiration. */
export function checkToken(call: CallDescription, token: string | undefined, expiration: Date | undefined) {
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token)) throw incompleteError(call, 'token')
  if (!isValidDate(expiration)) throw incompleteError(call, 'valid expiration')
  return { user: '', password: token, expiration, nextRefreshTime: undefined }
}

/** Refuses a response without a user, password or expiration. */
export function checkLogin(call: CallDescription, response: LoginResponse) {
  const { user, password, expiration, nextRefreshTime } = response
  if (typeof user !== 'string' || user === '') throw incompleteError(call, 'user')
  if (typeof password !== 'string' || password === '') throw incompleteError(call, 'password')
  if (!isValidDate(expiration)) throw incompleteError(call, 'valid expiration')
  return { user, password, expiration, nextRefreshTime: isValidDate(nextRefreshTime) ? nextRefreshTime : undefined }
}
