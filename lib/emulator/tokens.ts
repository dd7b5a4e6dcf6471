import { randomBytes } from 'node:crypto'
import type { Refusal } from './logins.js'
import type { EmulatedIdentityProvider } from './redshift-emulator.js'
import type { Target } from './targets.js'

/** What a token contains, and where it is valid. */
export interface TokenTerms {
  /** The person that it was issued to: `alice@example.com`. */
  readonly person: string
  readonly provider: EmulatedIdentityProvider
  /** Undefined: this provider has only one type. */
  readonly tokenType: 'SUBJECT_TOKEN' | 'ACCESS_TOKEN' | 'EXT_JWT' | undefined
  /** Undefined: every cluster and workgroup. */
  readonly targets: readonly Target[] | undefined
}

export interface IssuedToken extends TokenTerms {
  readonly serial: number
  readonly token: string
  /** When it expires, in milliseconds since the epoch. The fault `clock-skew` does not change it. */
  readonly expiresAt: number
  revoked: boolean
  used: boolean
}

/** What a client logs in with: from its start-up packet, and the token that it sent. */
export interface TokenAttempt {
  readonly provider: string
  readonly tokenType: string | undefined
  readonly target: Target | undefined
  readonly token: string
}

export type TokenVerdict =
  | { readonly ok: true; readonly issued: IssuedToken }
  | { readonly ok: false; readonly issued: IssuedToken | undefined; readonly refusal: Refusal }

/** Redshift's error for a token that is expired, unknown, revoked, already used, or issued for another cluster. */
export const tokenRefusal: Refusal = { sqlstate: '28000', message: 'Token credentials expired or invalid' }
const invalidToken: Refusal = { sqlstate: '28000', message: 'invalid token' }

/** The issued tokens, and the rules for accepting them. */
export class IssuedTokens {
  readonly #byToken = new Map<string, IssuedToken>()

  issue(terms: TokenTerms, expiresAt: number): IssuedToken {
    const token = terms.tokenType === 'SUBJECT_TOKEN' ? randomBytes(900).toString('base64') : makeJwt(terms, expiresAt)
    const issued = { ...terms, serial: this.#byToken.size + 1, token, expiresAt, revoked: false, used: false }
    this.#byToken.set(token, issued)
    return issued
  }

  revokeAll(): void {
    for (const issued of this.#byToken.values()) issued.revoked = true
  }

  find(token: string): IssuedToken | undefined {
    return this.#byToken.get(token)
  }

  check(attempt: TokenAttempt): TokenVerdict {
    const issued = this.find(attempt.token)
    const refusal = refuse(attempt, issued)
    if (refusal || !issued) return { ok: false, issued, refusal: refusal ?? tokenRefusal }
    issued.used = true
    return { ok: true, issued }
  }
}

function refuse({ provider, tokenType, target, token }: TokenAttempt, issued: IssuedToken | undefined) {
  if (!/^(awsidc|azuread|okta)$/i.test(provider))
    return { sqlstate: '0A000', message: `identity provider type "${provider.toLowerCase()}" is not supported` }
  // Neither base64 nor a JWT.
  if (!/^[\w+/=.-]+$/.test(token)) return invalidToken
  if (!issued || issued.revoked || Date.now() >= issued.expiresAt) return tokenRefusal
  if (issued.provider.toLowerCase() !== provider.toLowerCase() || issued.tokenType !== tokenType) return invalidToken
  if (issued.tokenType === 'EXT_JWT' && issued.used) return tokenRefusal
  // A client that connects to localhost or an IP address does not name the cluster. Then the token alone identifies it.
  if (issued.targets && target && !issued.targets.includes(target)) return tokenRefusal
  return undefined
}

/** The signature is random, because nothing verifies it. */
function makeJwt({ person, provider }: TokenTerms, expiresAt: number): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const seconds = Math.floor(expiresAt / 1000)
  const claims = {
    iss: `https://${provider.toLowerCase()}.example`,
    sub: person,
    exp: seconds,
    jti: randomBytes(8).toString('hex'),
  }
  return [part({ alg: 'RS256', typ: 'JWT' }), part(claims), randomBytes(256).toString('base64url')].join('.')
}
