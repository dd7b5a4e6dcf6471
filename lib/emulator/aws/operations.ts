import type { IssuedLogin, IssuedLogins, LoginTerms } from '../logins.js'
import type { Settings } from '../settings.js'
import { defaultAccount, type Target } from '../targets.js'
import type { IssuedToken, IssuedTokens } from '../tokens.js'
import { callerOf } from './caller.js'
import { describeClusters, describeCustomDomains, describeWorkgroup } from './descriptions.js'
import { AwsError } from './errors.js'
import { notFound, type OperationRequest, requireTarget } from './operation-request.js'
import type { Fields } from './wire.js'

/** The fault that repeats the last expiration, with a new password or the old one. */
export interface SameExpiry {
  readonly samePassword?: boolean | undefined
}

/** The faults that change the result of an operation. */
export interface OperationFaults {
  readonly repeat: SameExpiry | undefined
  /** Whether the cluster or workgroup is still being created. */
  readonly isCreating: boolean
}

interface LoginResponse {
  readonly login: IssuedLogin
  readonly expiration: Date
  readonly issuedAt: number
}

/** The operations of the emulated AWS, independent of the wire protocol. */
export class Operations {
  readonly #settings: Settings
  readonly #issuedLogins: IssuedLogins
  readonly #issuedTokens: IssuedTokens
  readonly #gatewayPort: () => number
  readonly #lastLogins = new Map<string, LoginResponse>()
  readonly #lastTokens = new Map<string, { issued: IssuedToken; expiration: Date }>()

  constructor(settings: Settings, issuedLogins: IssuedLogins, issuedTokens: IssuedTokens, gatewayPort: () => number) {
    this.#settings = settings
    this.#issuedLogins = issuedLogins
    this.#issuedTokens = issuedTokens
    this.#gatewayPort = gatewayPort
  }

  perform(request: OperationRequest, { repeat, isCreating }: OperationFaults): Fields {
    switch (request.operation) {
      case 'GetClusterCredentials':
        return this.#clusterCredentials(request, repeat)
      case 'GetClusterCredentialsWithIAM':
        return this.#clusterCredentialsWithIam(request, repeat)
      case 'GetCredentials':
        return this.#credentials(request, repeat)
      case 'GetIdentityCenterAuthToken':
        return this.#token(request, repeat)
      case 'DescribeClusters':
        return describeClusters(request, this.#settings, this.#gatewayPort(), isCreating)
      case 'DescribeCustomDomainAssociations':
        return describeCustomDomains(request, this.#settings)
      case 'GetWorkgroup':
        return describeWorkgroup(request, this.#gatewayPort(), isCreating)
      case 'GetCallerIdentity':
        return callerIdentity(request)
    }
  }

  #clusterCredentials(request: OperationRequest, repeat: SameExpiry | undefined): Fields {
    const { parameters } = request
    const name = parameters.user()
    const groups = parameters.groups()
    const autoCreate = parameters.boolean('AutoCreate')
    const prefix = autoCreate || groups.length > 0 ? 'IAMA' : 'IAM'
    const user = [prefix, name, ...(groups.length > 0 ? [groups.join(',')] : [])].join(':')
    const { login, expiration } = this.#issueLogin(request, repeat, user, { name, autoCreate, groups })
    return { DbUser: login.user, DbPassword: login.password, Expiration: expiration }
  }

  #clusterCredentialsWithIam(request: OperationRequest, repeat: SameExpiry | undefined): Fields {
    const { login, expiration } = this.#issueLogin(request, repeat, request.identity)
    const refresh = this.#nextRefresh(request, expiration)
    const fields = { DbUser: login.user, DbPassword: login.password, Expiration: expiration }
    return refresh ? { ...fields, NextRefreshTime: refresh } : fields
  }

  #credentials(request: OperationRequest, repeat: SameExpiry | undefined): Fields {
    const { login, expiration } = this.#issueLogin(request, repeat, request.identity)
    const refresh = this.#nextRefresh(request, expiration)
    const fields = { dbUser: login.user, dbPassword: login.password, expiration }
    return refresh ? { ...fields, nextRefreshTime: refresh } : fields
  }

  #token(request: OperationRequest, repeat: SameExpiry | undefined): Fields {
    const { parameters, person, isServerless, now } = request
    const targets = parameters.targets(isServerless ? 'workgroupNames' : 'ClusterIds')
    if (!targets) throw notFound(request)
    if (person === null)
      throw new AwsError('unsupported', 'This operation requires credentials with an identity context.')
    const lifetimeMillis = Math.min(this.#settings.lifetimeSeconds, 3600) * 1000
    const terms = { person, provider: 'AwsIdc', tokenType: 'SUBJECT_TOKEN', targets } as const
    const key = JSON.stringify([person, targets.map(targetKey)])
    const tokens = this.#issuedTokens
    const last = repeat && this.#lastTokens.get(key)
    const response = last
      ? { ...last, issued: repeat.samePassword ? last.issued : tokens.issue(terms, last.issued.expiresAt) }
      : { issued: tokens.issue(terms, Date.now() + lifetimeMillis), expiration: new Date(now + lifetimeMillis) }
    this.#lastTokens.set(key, response)
    const { issued, expiration } = response
    return isServerless
      ? { token: issued.token, expirationTime: expiration }
      : { Token: issued.token, ExpirationTime: expiration }
  }

  #issueLogin(
    request: OperationRequest,
    repeat: SameExpiry | undefined,
    user: string,
    databaseUser?: LoginTerms['databaseUser'],
  ): LoginResponse {
    const { operation, parameters, now } = request
    const isServerlessApi = operation === 'GetCredentials'
    const database = parameters.database(operation)
    const duration = parameters.durationSeconds(isServerlessApi ? 'durationSeconds' : 'DurationSeconds')
    const target = requireTarget(request)
    const lifetimeSeconds = Math.min(this.#settings.lifetimeSeconds, duration)
    const terms = { user, target, database, lifetimeSeconds, databaseUser }
    const key = JSON.stringify([operation, targetKey(target), database, user])
    const last = this.#lastLogins.get(key)
    if (last && !repeat && this.#isRepeated(last, lifetimeSeconds)) return last
    const logins = this.#issuedLogins
    const response =
      last && repeat
        ? { ...last, login: repeat.samePassword ? last.login : logins.issue(terms, last.login.expiresAt) }
        : { login: logins.issue(terms), expiration: new Date(now + lifetimeSeconds * 1000), issuedAt: Date.now() }
    this.#lastLogins.set(key, response)
    return response
  }

  /** Whether `samePasswordSeconds` makes AWS return the last login again. */
  #isRepeated({ login, issuedAt }: LoginResponse, lifetimeSeconds: number): boolean {
    const now = Date.now()
    if (login.revoked || login.lifetimeSeconds !== lifetimeSeconds || now >= login.expiresAt) return false
    return now < issuedAt + this.#settings.samePasswordSeconds * 1000
  }

  #nextRefresh({ now }: OperationRequest, expiration: Date): Date | undefined {
    const { nextRefreshSeconds } = this.#settings
    if (nextRefreshSeconds === null) return undefined
    return nextRefreshSeconds === undefined ? expiration : new Date(now + nextRefreshSeconds * 1000)
  }
}

/** Clusters in different regions may have the same name. */
function targetKey({ kind, region, name }: Target): string[] {
  return [kind, region, name]
}

function callerIdentity(request: OperationRequest): Fields {
  const { arn, userId } = callerOf(request)
  return { Arn: arn, UserId: userId, Account: defaultAccount }
}
