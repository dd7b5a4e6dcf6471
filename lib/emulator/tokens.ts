import { randomBytes } from 'node:crypto'
import type { Refusal } from './logins.js'
import type { Target } from './targets.js'
import type { EmulatedIdentityProvider } from './types.js'

/** What a token says, and where it is good. */
export interface TokenTerms {
  /** Whom it names: `alice@example.com`. */
  readonly person: string
  readonly provider: EmulatedIdentityProvider
  /** Undefined: this provider has but one type. */
  readonly tokenType: 'SUBJECT_TOKEN' | 'ACCESS_TOKEN' | 'EXT_JWT' | undefined
  /** Undefined: every cluster and workgroup. */
  readonly targets: readonly Target[] | undefined
}

export interface IssuedToken extends TokenTerms {
  readonly serial: number
  readonly token: string
  /** When it really ends, on the true clock. */
  readonly expiresAt: number
  revoked: boolean
  used: boolean
}

/** What a client says in its start-up packet, and shows when it is asked. */
export interface TokenAttempt {
  readonly provider: string
  readonly tokenType: string | undefined
  readonly target: Target | undefined
  readonly token: string
}

export type TokenVerdict =
  | { readonly ok: true; readonly issued: IssuedToken }
  | { readonly ok: false; readonly issued: IssuedToken | undefined; readonly refusal: Refusal }

/** Redshift's words for a token that is expired, foreign, revoked or used up. */
export const tokenRefusal: Refusal = { sqlstate: '28000', message: 'Token credentials expired or invalid' }
const unreadable: Refusal = { sqlstate: '28000', message: 'invalid token' }

/** The tokens that people have, and the rules by which they are taken. */
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

  check(attempt: TokenAttempt): TokenVerdict {
    const issued = this.#byToken.get(attempt.token)
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
  if (!/^[\w+/=.-]+$/.test(token)) return unreadable
  if (!issued || issued.revoked || Date.now() >= issued.expiresAt) return tokenRefusal
  if (issued.provider.toLowerCase() !== provider.toLowerCase() || issued.tokenType !== tokenType) return unreadable
  if (issued.tokenType === 'EXT_JWT' && issued.used) return tokenRefusal
  // A client that connects by address names no host: then only the token tells for which cluster it is.
  if (issued.targets && target && !issued.targets.includes(target)) return tokenRefusal
  return undefined
}

/** Nobody verifies the signature. */
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
