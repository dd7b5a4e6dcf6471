import type { IssuedLogins, Refusal } from '../logins.js'
import type { LoginIdentity } from '../postgres/roles.js'
import type { Settings } from '../settings.js'
import type { Target } from '../targets.js'
import type { IssuedTokens } from '../tokens.js'
import { requestPassword, requestToken } from './authentication-requests.js'
import type { LoginRequest } from './handshake.js'

/** Where the gateway looks up passwords and tokens. */
interface AuthenticationParts {
  readonly settings: Settings
  readonly issuedLogins: IssuedLogins
  readonly issuedTokens: IssuedTokens
}

/** The password or token that the client has sent. */
interface Credential {
  /** The only cluster or workgroup that it is valid for. */
  readonly target: Target | undefined
  /** Separate from its request, because a fault may delay it. */
  check(target: Target | undefined): {
    readonly identity: LoginIdentity | undefined
    readonly serial: number | undefined
    readonly refusal: Refusal | undefined
  }
}

/** Requests a token if the start-up packet names an identity provider, otherwise a password. Undefined: the client disconnected. */
export function requestCredential(request: LoginRequest, parts: AuthenticationParts): Promise<Credential | undefined> {
  return request.parameters.has('idp_type') ? withToken(request, parts) : withPassword(request, parts)
}

async function withPassword(
  { stream, user, database }: LoginRequest,
  { issuedLogins, settings }: AuthenticationParts,
): Promise<Credential | undefined> {
  const matches = await requestPassword(stream, settings.authentication, user)
  if (!matches) return undefined
  return {
    get target() {
      return issuedLogins.find({ user, matches })?.target
    },
    check(target) {
      const verdict = issuedLogins.check({ user, database, target, matches })
      const { login } = verdict
      return { identity: login, serial: login?.serial, refusal: verdict.ok ? undefined : verdict.refusal }
    },
  }
}

async function withToken(
  { stream, parameters }: LoginRequest,
  { issuedTokens }: AuthenticationParts,
): Promise<Credential | undefined> {
  const token = await requestToken(stream)
  if (token === undefined) return undefined
  const provider = parameters.get('idp_type') ?? ''
  const namespace = parameters.get('identity_namespace') ?? provider.toLowerCase()
  return {
    get target() {
      const { targets = [] } = issuedTokens.find(token) ?? {}
      return targets.length === 1 ? targets[0] : undefined
    },
    check(target) {
      const verdict = issuedTokens.check({ provider, tokenType: parameters.get('token_type'), target, token })
      const { issued } = verdict
      return {
        identity: issued && { user: `${namespace}:${issued.person}`, databaseUser: undefined },
        serial: issued?.serial,
        refusal: verdict.ok ? undefined : verdict.refusal,
      }
    },
  }
}
