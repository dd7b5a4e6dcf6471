import type { IssuedLogins, Refusal } from '../logins.js'
import type { LoginIdentity } from '../postgres/catalog.js'
import type { Settings } from '../settings.js'
import type { Target } from '../targets.js'
import type { IssuedTokens } from '../tokens.js'
import { type Arrival, askPassword, askToken } from './handshake.js'

/** What the gateway looks a password or a token up in. */
interface ProofParts {
  readonly settings: Settings
  readonly issued: IssuedLogins
  readonly tokens: IssuedTokens
}

type Asked = Extract<Arrival, { kind: 'login' }>

/** Asks for a token where the start-up packet names an identity provider, else for a password. Undefined: the client went away. */
export function askForProof(asked: Asked, parts: ProofParts): Promise<Check | undefined> {
  return asked.login.parameters.has('idp_type') ? askForToken(asked, parts) : askForPassword(asked, parts)
}

/** What the gateway makes of a password or a token, once it looks at it. */
type Check = (target: Target | undefined) => {
  readonly identity: LoginIdentity | undefined
  readonly serial: number | undefined
  readonly refusal: Refusal | undefined
}

async function askForPassword({ stream, login }: Asked, { issued, settings }: ProofParts): Promise<Check | undefined> {
  const { user, database } = login
  const proves = await askPassword(stream, settings.authentication, user)
  if (!proves) return undefined
  return target => {
    const verdict = issued.check({ user, database, target, proves })
    return { identity: verdict.login, serial: verdict.login?.serial, refusal: verdict.ok ? undefined : verdict.refusal }
  }
}

async function askForToken({ stream, login }: Asked, { tokens }: ProofParts): Promise<Check | undefined> {
  const token = await askToken(stream)
  if (token === undefined) return undefined
  const provider = login.parameters.get('idp_type') ?? ''
  const namespace = login.parameters.get('identity_namespace') ?? provider.toLowerCase()
  return target => {
    const verdict = tokens.check({ provider, tokenType: login.parameters.get('token_type'), target, token })
    const { issued } = verdict
    return {
      identity: issued && { user: `${namespace}:${issued.person}`, databaseUser: undefined },
      serial: issued?.serial,
      refusal: verdict.ok ? undefined : verdict.refusal,
    }
  }
}
