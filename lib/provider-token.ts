import { loadDiagnosis } from './aws/load-sdk.js'
import { unexplainedError } from './aws/unexplained.js'
import type { Clock } from './clock.js'
import { RedshiftCredentialsError } from './errors.js'
import type { FetchedLogin } from './fetch-context.js'
import { type IdentityProvider, MAX_TOKEN_SECONDS } from './identity-provider.js'
import { createLease } from './lease.js'

/** How long a token is used if nothing says when it expires. */
const DEFAULT_LIFETIME_MILLIS = 15 * 60_000

/**
 * Calls the application's function for a person's token.
 * @throws RedshiftCredentialsError `ERR_REDSHIFT_UNAVAILABLE` if the function fails, `ERR_REDSHIFT_RESPONSE` if it returns no valid token
 */
export async function fetchProvidedToken(
  provider: IdentityProvider,
  signal: AbortSignal,
  clock: Clock,
): Promise<FetchedLogin> {
  const sentAt = clock.now()
  const given = await call(provider, signal)
  const { token, expiration } = typeof given === 'object' && given !== null ? given : { token: given }
  // The message leaves out the returned value, which may be a token.
  const invalid = (what: string): RedshiftCredentialsError =>
    new RedshiftCredentialsError(
      'ERR_REDSHIFT_RESPONSE',
      `identityProvider.token returned ${what}. Return the current token, or { token, expiration } with a Date.`,
    )
  if (typeof token !== 'string' || token === '') throw invalid('no token')
  if (!/^[\x21-\x7e]+$/.test(token))
    throw invalid('a string with spaces or other characters that a token cannot contain')
  if (expiration !== undefined && !(expiration instanceof Date && Number.isFinite(expiration.getTime())))
    throw invalid('an expiration that is not a Date')
  const serverTime = clock.now().wall
  const expiresAt = expiration?.getTime() ?? jwtExpiry(token) ?? serverTime + DEFAULT_LIFETIME_MILLIS
  const times = {
    expiration: new Date(Math.min(expiresAt, serverTime + MAX_TOKEN_SECONDS * 1_000)),
    serverTime,
    sentAt,
  }
  if (!createLease({ ...times, durationSeconds: MAX_TOKEN_SECONDS }, 0))
    throw invalid('a token that has expired or is about to expire')
  return { user: '', password: token, nextRefreshTime: undefined, ...times }
}

async function call(provider: IdentityProvider, signal: AbortSignal) {
  try {
    return await provider.token({ signal })
  } catch (thrown) {
    if (thrown instanceof RedshiftCredentialsError) throw thrown
    const { asError, copyCause, scrub } = await loadDiagnosis().catch(obstacle => {
      throw unexplainedError(thrown, 'identityProvider.token', obstacle)
    })
    const error = asError(thrown, 'it threw a value that is not an Error')
    const said = scrub(error)
    throw new RedshiftCredentialsError(
      'ERR_REDSHIFT_UNAVAILABLE',
      `identityProvider.token failed${said === '' ? '' : `: ${said.replace(/\.$/, '')}`}. Check cause and the function.`,
      { cause: copyCause(error) },
    )
  }
}

/** The `exp` claim of a JWT in milliseconds. RFC 7519, section 4.1.4. The signature is not verified here; Redshift does that. */
function jwtExpiry(token: string): number | undefined {
  const [, payload, signature] = token.split('.')
  if (payload === undefined || signature === undefined) return undefined
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const exp = typeof claims === 'object' && claims !== null && 'exp' in claims ? claims.exp : undefined
    return typeof exp === 'number' && Number.isFinite(exp) ? exp * 1_000 : undefined
  } catch {
    return undefined
  }
}
